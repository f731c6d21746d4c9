// Which of the control plane's programs is this process?
//
// One binary holds all of them, since they share most of their code: it is linked once, and the
// kernel keeps one copy of it in memory. The first argument says which one it is, or the name that
// it was called by: `kubectl` is a link to it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata" // schedules of CronJobs name time zones

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // metrics of their clients
	_ "k8s.io/component-base/metrics/prometheus/version"  // and of their versions
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// programs are what this binary can be, each as its own project has it.
var programs = map[string]func() *cobra.Command{
	"kube-apiserver":          func() *cobra.Command { return apiserver.NewAPIServerCommand() },
	"kube-controller-manager": func() *cobra.Command { return controllers.NewControllerManagerCommand() },
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kube-proxy":              func() *cobra.Command { return proxy.NewProxyCommand() },
}

// commands are what we add.
var commands = map[string]func(arguments []string) error{
	etcd:         runEtcd,
	"up":         up,
	"down":       func(arguments []string) error { return command("down", arguments) },
	"start":      func(arguments []string) error { return command("start", arguments) },
	"stop":       func(arguments []string) error { return command("stop", arguments) },
	"kill":       func(arguments []string) error { return command("kill", arguments) },
	"status":     printStatus,
	"compact":    compact,
	"kubeconfig": printKubeconfig,
	"token":      printToken,
	"faulty":     serveFaulty,
	"tunnel":     serveTunnel,
	"chart":      printChart,
}

const usage = `control-plane: a Kubernetes control plane for tests

  up          run one until it is told to end; --help shows its settings
  down        end it, and all of its processes
  status      what runs, as JSON
  stop, kill  end a component, by SIGTERM or by SIGKILL; it stays away
  start       start it again, and wait until it is ready
  compact     make etcd forget the past
  kubeconfig  make the kubeconfig of a user: --user NAME --group GROUP
  token       make a token of a ServiceAccount: --account NAMESPACE/NAME --valid 1h
  faulty      stand before an API server, and fail some requests: --share 5 --seed 1
  tunnel      be an HTTP proxy: --tls, --user NAME:PASSWORD
  chart       print what a Helm chart becomes: --folder CHART --set NAME=VALUE

  kubectl, kube-proxy, kube-apiserver, kube-controller-manager, kube-scheduler
              what these are everywhere, with their own arguments

Each command takes --state FOLDER; without it: %s
`

func main() {
	// Called by a program's name, or with it as the first argument: what reads it afterwards, such
	// as the user agent of kubectl, must find the same.
	name := filepath.Base(os.Args[0])
	if !isProgram(name) && len(os.Args) > 1 {
		os.Args = os.Args[1:]
		name = os.Args[0]
	}
	if program, known := programs[name]; known {
		pretend()
		os.Exit(cli.Run(program()))
	}
	if name == "kubectl" {
		runKubectl()
		return
	}
	run, known := commands[name]
	if !known {
		fmt.Fprintf(os.Stderr, usage, defaultFolder())
		os.Exit(2)
	}
	if err := run(os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(os.Stderr, "control-plane: %v\n", err)
		}
		os.Exit(1)
	}
}

func isProgram(name string) bool {
	_, known := programs[name]
	return known || name == "kubectl" || name == etcd
}

// runKubectl does what the program of that name does: it wants to know early how much to say.
func runKubectl() {
	// A level that is no number is reported when the flags are read.
	_, _ = logs.GlogSetter(kubectl.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}

func printStatus(arguments []string) error {
	flags, state := newFlags("status")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	status, err := state.readStatus()
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(status)
}

func compact(arguments []string) error {
	flags, state := newFlags("compact")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	revision, err := state.compactEtcd()
	if err != nil {
		return err
	}
	fmt.Println(revision)
	return nil
}
