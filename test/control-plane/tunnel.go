// What does a client see that reaches the API server only by an HTTP proxy?

package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// Tunnel is a proxy that passes bytes on, for the method CONNECT and nothing else (RFC 9110, 9.3.6).
type Tunnel struct {
	// authorization is what clients must say; empty when they need not say anything.
	authorization string
	log           io.Writer
}

// serveTunnel is the command. Each request is a line in FOLDER/tunnels.log, with the answer's code.
func serveTunnel(arguments []string) error {
	flags, state := newFlags("tunnel")
	secured := flags.Bool("tls", false, "clients speak TLS with the proxy itself")
	user := flags.String("user", "", "as NAME:PASSWORD; others are refused")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	log, err := os.OpenFile(state.path("tunnels.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	tunnel := Tunnel{log: log}
	if *user != "" {
		tunnel.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(*user))
	}
	return state.serveBetween(tunnel, *secured)
}

func (tunnel Tunnel) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	code := tunnel.open(answer, request)
	if code != http.StatusOK {
		answer.Header().Set("Proxy-Authenticate", `Basic realm="test"`)
		http.Error(answer, http.StatusText(code), code)
	}
}

// open gives the code of a refusal, or passes bytes until either side has ended.
func (tunnel Tunnel) open(answer http.ResponseWriter, request *http.Request) int {
	code, server := http.StatusOK, net.Conn(nil)
	switch {
	case tunnel.authorization != "" && request.Header.Get("Proxy-Authorization") != tunnel.authorization:
		code = http.StatusProxyAuthRequired
	case request.Method != http.MethodConnect:
		code = http.StatusMethodNotAllowed
	default:
		var err error
		if server, err = net.Dial("tcp", request.Host); err != nil {
			code = http.StatusBadGateway
		}
	}
	fmt.Fprintf(tunnel.log, "%s %s %d\n", request.Method, request.Host, code)
	if code != http.StatusOK {
		return code
	}
	defer server.Close()
	client, said, err := http.NewResponseController(answer).Hijack()
	if err != nil {
		return http.StatusInternalServerError
	}
	defer client.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return code
	}
	ended := make(chan struct{}, 2)
	pass := func(to io.Writer, from io.Reader) {
		// Either end is the end of both.
		_, _ = io.Copy(to, from)
		ended <- struct{}{}
	}
	// What it said without waiting for the answer is read already.
	go pass(server, said)
	go pass(client, server)
	<-ended
	return code
}
