// What stands in the folder of a control plane, and who finds it there?

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
)

// State is the folder that a control plane keeps everything in.
type State struct {
	Folder string
}

// Status is the content of status.json: what programs need to find and to end the parts. Its names
// are what tests read.
type Status struct {
	APIServers []APIServer `json:"apiServers"`
	Supervisor int         `json:"supervisor"`
	Components []Component `json:"components"`
}

// APIServer is how one of them is reached, as somebody who may do everything.
type APIServer struct {
	Server     string `json:"server"`
	Kubeconfig string `json:"kubeconfig"`
	AuditLog   string `json:"auditLog"`
}

// Component is one of the processes.
type Component struct {
	Name string `json:"name"`
	// Pid is 0 while it does not run.
	Pid int    `json:"pid"`
	Log string `json:"log"`
	// ReadyAfter in milliseconds from its last start; 0 until then.
	ReadyAfter int64 `json:"readyAfterMilliseconds"`
}

// maxFolder in bytes: the kernel keeps the path of a socket in 108, and the longest of ours adds 13.
const maxFolder = 94

func defaultFolder() string {
	return filepath.Join(os.TempDir(), "pogu-control-plane")
}

// newFlags are those that every command has.
func newFlags(command string) (*flag.FlagSet, *State) {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	state := &State{}
	flags.StringVar(&state.Folder, "state", defaultFolder(), "folder of the control plane's state")
	return flags, state
}

// make creates the folder. It holds keys that may do everything in the cluster, so that it must be
// ours, and only ours.
func (state *State) make() error {
	absolute, err := filepath.Abs(state.Folder)
	if err != nil {
		return err
	}
	if len(absolute) > maxFolder {
		return fmt.Errorf("path of the state is too long for a socket in it: %s\nhint: at most %d bytes", absolute, maxFolder)
	}
	state.Folder = absolute
	for _, folder := range []string{"", "pki", "log"} {
		if err := os.MkdirAll(state.path(folder), 0o700); err != nil {
			return err
		}
	}
	found, err := os.Stat(absolute)
	if err != nil {
		return err
	}
	if owner, known := found.Sys().(*syscall.Stat_t); known && int(owner.Uid) != os.Getuid() {
		return fmt.Errorf("folder of the state belongs to another user: %s\nhint: choose another with --state", absolute)
	}
	return os.Chmod(absolute, 0o700)
}

func (state State) path(name string) string { return filepath.Join(state.Folder, name) }

func (state State) pki(name string) string { return state.path(filepath.Join("pki", name)) }

func (state State) log(component string) string {
	return state.path(filepath.Join("log", component+".log"))
}

func (state State) adminKubeconfig(number int) string {
	return state.kubeconfigOf(numbered("admin", number))
}

func (state State) kubeconfigOf(user string) string { return state.path(user + ".kubeconfig") }

func (state State) auditLog(number int) string { return state.path(numbered("audit", number) + ".log") }

func (state State) etcdSocket() string { return state.path("etcd.sock") }

func (state State) etcdURL() url.URL { return url.URL{Scheme: "unix", Path: state.etcdSocket()} }

func (state State) etcdURLText() string { return "unix://" + state.etcdSocket() }

func (state State) controlSocket() string { return state.path("control.sock") }

func (state State) readStatus() (Status, error) {
	status := Status{}
	text, err := os.ReadFile(state.path("status.json"))
	if errors.Is(err, os.ErrNotExist) {
		return status, fmt.Errorf("no control plane at %s\nhint: control-plane up --state %s", state.Folder, state.Folder)
	}
	if err != nil {
		return status, err
	}
	if err := json.Unmarshal(text, &status); err != nil {
		return status, fmt.Errorf("%s: %w", state.path("status.json"), err)
	}
	return status, nil
}

// apiServer of a control plane that runs.
func (state State) apiServer(number int) (APIServer, error) {
	status, err := state.readStatus()
	if err != nil {
		return APIServer{}, err
	}
	if number < 1 || number > len(status.APIServers) {
		return APIServer{}, fmt.Errorf("no such API server: %d", number)
	}
	return status.APIServers[number-1], nil
}

// writeWhole replaces the file at once: a reader sees the old text or the new one.
func writeWhole(path string, text []byte) error {
	draft := path + ".draft"
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, path)
}
