// How does the whole control plane come up, and what makes it go down?

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
)

// readyLine is what programs wait for. After it nothing more is written to standard output.
const readyLine = "ready"

// up runs a control plane until somebody ends it.
func up(arguments []string) error {
	flags, state := newFlags("up")
	settings := Settings{}
	var detach, untilEOF bool
	flags.StringVar(&settings.Bind, "bind", "127.0.0.1", "address that API servers listen on")
	flags.StringVar(&settings.Advertise, "advertise", "", "address that others reach it at; --bind when empty")
	flags.IntVar(&settings.Port, "port", 0, "port of the first API server; a free one when 0")
	flags.IntVar(&settings.APIServers, "api-servers", 1, "how many API servers over the same etcd")
	flags.Var((*texts)(&settings.Names), "san", "one more name or address for its certificate; may be given again")
	flags.StringVar(&settings.ServiceCIDRs, "service-cidrs", "10.96.0.0/16,fd00:10:96::/108", "CIDRs of Services")
	flags.StringVar(&settings.PodCIDRs, "pod-cidrs", "10.244.0.0/16,fd00:10:244::/48", "CIDRs of Pods")
	flags.BoolVar(&settings.Scheduler, "scheduler", false, "run a scheduler too")
	flags.StringVar(&settings.Version, "version", "", "what API servers say that they are, such as v1.37.0; their own when empty")
	flags.Var((*texts)(&settings.With), "with", "one more argument, as COMPONENT:ARGUMENT; may be given again")
	flags.BoolVar(&detach, "detach", false, "return when it is ready, and leave it running")
	flags.BoolVar(&untilEOF, "until-stdin-closes", false, "end when standard input does: whoever holds the other end may die")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("what is %q?", flags.Arg(0))
	}
	if err := state.make(); err != nil {
		return err
	}
	if detach {
		return state.upDetached(arguments)
	}
	settings.State = *state
	if err := settings.complete(); err != nil {
		return err
	}
	return run(settings, untilEOF)
}

func run(settings Settings, untilEOF bool) error {
	listener, err := settings.State.listen()
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := settings.writeFiles(); err != nil {
		return err
	}
	supervisor := newSupervisor(settings)
	end := make(chan error, 1)
	var once sync.Once
	endWith := func(err error) { once.Do(func() { end <- err }) }
	go supervisor.serve(listener, func() { endWith(nil) })
	go func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		<-signals
		endWith(nil)
	}()
	if untilEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			endWith(nil)
		}()
	}
	go func() {
		if err := supervisor.startAll(); err != nil {
			endWith(err)
		}
	}()
	return supervisor.forkUntil(end)
}

// forkUntil starts processes on the thread that it is called on, until the end; then it ends them.
func (supervisor *Supervisor) forkUntil(end <-chan error) error {
	runtime.LockOSThread()
	for {
		select {
		case fork := <-supervisor.forks:
			fork()
		case err := <-end:
			supervisor.endAll()
			return errors.Join(err, os.Remove(supervisor.settings.State.path("status.json")))
		}
	}
}

func (supervisor *Supervisor) startAll() error {
	for _, child := range supervisor.components {
		fmt.Printf("starting %s …\n", child.Name)
		if err := supervisor.start(child.Name); err != nil {
			return err
		}
	}
	fmt.Printf("export KUBECONFIG=%s\n", supervisor.settings.State.adminKubeconfig(1))
	fmt.Println(readyLine)
	return nil
}

// upDetached runs the same in a session of its own, shows its progress, and returns when it is
// ready.
func (state State) upDetached(arguments []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	remaining := []string{"up"}
	for _, argument := range arguments {
		if argument != "--detach" && argument != "-detach" {
			remaining = append(remaining, argument)
		}
	}
	// Who waits for the end of our standard error shall not wait for it.
	log, err := os.OpenFile(state.log("supervisor"), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	child := exec.Command(self, remaining...)
	child.Stderr = log
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	progress, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(progress)
	for lines.Scan() {
		fmt.Println(lines.Text())
		if lines.Text() == readyLine {
			return child.Process.Release()
		}
	}
	ended := child.Wait()
	if said, err := os.ReadFile(log.Name()); err == nil {
		_, _ = os.Stderr.Write(said)
	}
	return fmt.Errorf("it did not come up: %v", ended)
}
