// How do the components start, end, and start again, so that none is left behind?

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Supervisor owns the processes. It never starts one by itself again: what a test has killed stays
// dead until the test says otherwise.
type Supervisor struct {
	settings Settings
	// forks run on one thread that lives as long as the process: the kernel ends a child when the
	// thread that started it ends.
	forks chan func()

	mutex sync.Mutex
	// components in the order in which they start.
	components []*process
}

// process is a component and, while it runs, its process.
type process struct {
	Component
	running *exec.Cmd
	// ended is closed when the process has ended, and was waited for.
	ended   chan struct{}
	started time.Time
}

const (
	// startDeadline is far beyond what a busy machine with two cores needs.
	startDeadline = 3 * time.Minute
	// endDeadline is how long a component may take to end before it is killed.
	endDeadline = 10 * time.Second
	// pollPeriod is what a start may seem to be longer than it is; asking costs the asked.
	pollPeriod = 50 * time.Millisecond
)

func newSupervisor(settings Settings) *Supervisor {
	names := []string{etcd}
	for number := 1; number <= settings.APIServers; number++ {
		names = append(names, apiServerName(number))
	}
	names = append(names, controllerManager)
	if settings.Scheduler {
		names = append(names, kubeScheduler)
	}
	supervisor := &Supervisor{settings: settings, forks: make(chan func())}
	for _, name := range names {
		component := Component{Name: name, Log: settings.State.log(name)}
		supervisor.components = append(supervisor.components, &process{Component: component})
	}
	return supervisor
}

// start starts a component that does not run, and waits until it is ready.
func (supervisor *Supervisor) start(name string) error {
	child, err := supervisor.find(name)
	if err != nil {
		return err
	}
	failed := make(chan error)
	supervisor.forks <- func() { failed <- supervisor.fork(child) }
	if err := <-failed; err != nil {
		return err
	}
	return supervisor.waitUntilReady(child)
}

func (supervisor *Supervisor) find(name string) (*process, error) {
	for _, child := range supervisor.components {
		if child.Name == name {
			return child, nil
		}
	}
	return nil, fmt.Errorf("no such component: %s", name)
}

func (supervisor *Supervisor) fork(child *process) error {
	supervisor.mutex.Lock()
	defer supervisor.mutex.Unlock()
	if child.running != nil {
		return fmt.Errorf("%s runs already, as process %d", child.Name, child.Pid)
	}
	arguments, err := supervisor.settings.arguments(child.Name)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(child.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := &exec.Cmd{
		Path:   self,
		Args:   append([]string{supervisor.settings.program(child.Name)}, arguments...),
		Env:    supervisor.settings.environment(child.Name),
		Stdout: log,
		Stderr: log,
		// In a group of its own, so that ^C reaches the supervisor alone, which ends it in order.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", child.Name, err)
	}
	child.running, child.Pid, child.ReadyAfter = command, command.Process.Pid, 0
	child.ended, child.started = make(chan struct{}), time.Now()
	go supervisor.reap(child, command, child.ended)
	return supervisor.writeStatus()
}

// environment of a component. A proxy of the machine is nothing to those who talk to each other.
func (settings Settings) environment(component string) []string {
	variables := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + settings.State.Folder}
	if settings.Version != "" && settings.program(component) == apiServer {
		variables = append(variables, versionVariable+"="+settings.Version)
	}
	return variables
}

func (supervisor *Supervisor) reap(child *process, command *exec.Cmd, ended chan struct{}) {
	_ = command.Wait()
	supervisor.mutex.Lock()
	defer supervisor.mutex.Unlock()
	child.running, child.Pid, child.ReadyAfter = nil, 0, 0
	if err := supervisor.writeStatus(); err != nil {
		fmt.Fprintln(os.Stderr, "control-plane:", err)
	}
	close(ended)
}

func (supervisor *Supervisor) waitUntilReady(child *process) error {
	supervisor.mutex.Lock()
	ended, started := child.ended, child.started
	supervisor.mutex.Unlock()
	deadline := time.After(startDeadline)
	for {
		err := supervisor.settings.isReady(child.Name)
		if err == nil {
			break
		}
		select {
		case <-ended:
			return fmt.Errorf("%s ended before it was ready\nhint: read %s", child.Name, child.Log)
		case <-deadline:
			return fmt.Errorf("%s is not ready after %v: %w\nhint: read %s", child.Name, startDeadline, err, child.Log)
		case <-time.After(pollPeriod):
		}
	}
	supervisor.mutex.Lock()
	defer supervisor.mutex.Unlock()
	child.ReadyAfter = time.Since(started).Milliseconds()
	return supervisor.writeStatus()
}

// end sends the signal and waits for the end. One that does not end in time is killed.
func (supervisor *Supervisor) end(name string, signal syscall.Signal) error {
	child, err := supervisor.find(name)
	if err != nil {
		return err
	}
	supervisor.mutex.Lock()
	running, ended := child.running, child.ended
	supervisor.mutex.Unlock()
	if running == nil {
		return fmt.Errorf("%s does not run", name)
	}
	// It may have ended meanwhile, which is what was wanted.
	_ = running.Process.Signal(signal)
	select {
	case <-ended:
		return nil
	case <-time.After(endDeadline):
	}
	_ = running.Process.Kill()
	<-ended
	return nil
}

// endAll ends what runs, the last that was started first.
func (supervisor *Supervisor) endAll() {
	for _, child := range slices.Backward(supervisor.components) {
		// That one does not run is no failure here.
		_ = supervisor.end(child.Name, syscall.SIGTERM)
	}
}

func (supervisor *Supervisor) status() Status {
	settings := supervisor.settings
	status := Status{Supervisor: os.Getpid()}
	for number := 1; number <= settings.APIServers; number++ {
		status.APIServers = append(status.APIServers, APIServer{
			Server:     settings.server(number),
			Kubeconfig: settings.State.adminKubeconfig(number),
			AuditLog:   settings.State.auditLog(number),
		})
	}
	for _, child := range supervisor.components {
		status.Components = append(status.Components, child.Component)
	}
	return status
}

// writeStatus is called by who holds the mutex.
func (supervisor *Supervisor) writeStatus() error {
	text, err := json.MarshalIndent(supervisor.status(), "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(supervisor.settings.State.path("status.json"), append(text, '\n'))
}
