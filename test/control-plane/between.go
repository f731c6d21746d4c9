// How does a program stand between a client and an API server, for as long as a test wants it?

package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

// serveBetween says on standard output where it listens, and serves until standard input ends.
func (state State) serveBetween(handler http.Handler, secured bool) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	scheme := "http"
	if secured {
		scheme = "https"
		certificate, err := state.betweenCertificate()
		if err != nil {
			return err
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	fmt.Printf("%s://%s\n", scheme, listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	server := http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	return server.Serve(listener)
}

// betweenCertificate is signed by the control plane's own authority.
func (state State) betweenCertificate() (tls.Certificate, error) {
	authority, err := state.authority()
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := authority.server("between", nil, []net.IP{net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(pair.Certificate, pair.Key)
}
