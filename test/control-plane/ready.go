// When is a component ready to be used?

package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"time"
)

// defaultAccount exists when the controllers have begun to work. Without it no Pod is admitted.
const defaultAccount = "/api/v1/namespaces/default/serviceaccounts/default"

func (settings Settings) isReady(component string) error {
	switch settings.program(component) {
	case etcd:
		return settings.State.etcdIsHealthy()
	case apiServer:
		return settings.find(settings.apiServerNumber(component), "/readyz")
	case controllerManager:
		return settings.find(settings.used(), defaultAccount)
	default:
		// It has nothing that could be asked: what runs, works.
		return nil
	}
}

// find asks an API server for a path, as one who may do everything.
func (settings Settings) find(number int, path string) error {
	client, err := settings.client()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	return ask(client, settings.server(number)+path)
}

// askDeadline is for one question; who asks, asks again.
const askDeadline = 2 * time.Second

// ask is nil when the answer is 200.
func ask(client *http.Client, url string) error {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// So that who reads the audit log can tell us from those whom a test is about.
	request.Header.Set("User-Agent", "pogu-control-plane")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

func (settings Settings) client() (*http.Client, error) {
	state := settings.State
	pair, err := tls.LoadX509KeyPair(state.pki("kubelet-client.crt"), state.pki("kubelet-client.key"))
	if err != nil {
		return nil, err
	}
	authorities, err := state.trusted()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: authorities},
	}
	return &http.Client{Transport: transport, Timeout: askDeadline}, nil
}
