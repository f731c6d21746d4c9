// How does somebody become a user of this control plane?

package main

import (
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"time"
)

const kubeconfigForm = `apiVersion: v1
kind: Config
current-context: pogu
clusters:
- name: pogu
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: pogu
  user:
    client-certificate-data: %s
    client-key-data: %s
contexts:
- name: pogu
  context:
    cluster: pogu
    user: pogu
`

// User is who a certificate says that one is.
type User struct {
	Name   string
	Groups []string
	// Valid says how long; below zero it has expired.
	Valid time.Duration
}

// kubeconfig is a whole file, which needs no other: it may be carried into a pod.
func (state State) kubeconfig(server string, user User) ([]byte, error) {
	authority, err := state.authority()
	if err != nil {
		return nil, err
	}
	pair, err := authority.client(user.Name, user.Groups, user.Valid)
	if err != nil {
		return nil, err
	}
	trusted, err := os.ReadFile(state.pki("ca.crt"))
	if err != nil {
		return nil, err
	}
	encode := base64.StdEncoding.EncodeToString
	text := fmt.Sprintf(kubeconfigForm, server, encode(trusted), encode(pair.Certificate), encode(pair.Key))
	return []byte(text), nil
}

// printKubeconfig is the command: whom RBAC gives nothing can do nothing, so a test begins with
// the least and adds.
func printKubeconfig(arguments []string) error {
	flags, state := newFlags("kubeconfig")
	user, number := User{}, 0
	flags.StringVar(&user.Name, "user", "", "name of the user")
	flags.Var((*texts)(&user.Groups), "group", "group of the user; may be given again")
	flags.DurationVar(&user.Valid, "valid", year, "how long; below zero, it has expired")
	flags.IntVar(&number, "api-server", 1, "which API server it leads to")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if user.Name == "" {
		return fmt.Errorf("no user is named\nhint: --user NAME, and --group GROUP where needed")
	}
	server, err := state.apiServer(number)
	if err != nil {
		return err
	}
	text, err := state.kubeconfig(server.Server, user)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

// texts is a flag that may be given several times.
type texts []string

func (texts *texts) String() string { return fmt.Sprint([]string(*texts)) }

func (texts *texts) Set(text string) error {
	*texts = append(*texts, text)
	return nil
}

var _ flag.Value = (*texts)(nil)
