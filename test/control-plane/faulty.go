// What does a client see when the way to the API server fails now and then?

package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"time"
)

// Ways in which a request fails. That an answer is cut is drawn for each piece of it.
const (
	refused500    = "500"
	refused503    = "503"
	refused429    = "429"
	resetAtOnce   = "reset before the server has the request"
	resetAnswered = "reset after the server has done it"
	late          = "late"
	cut           = "cut"
)

var ofRequests = []string{refused500, refused503, refused429, resetAtOnce, resetAnswered, late}

// latest is how long a request may be held back.
const latest = time.Second

// errCut ends an answer in its middle.
var errCut = errors.New("cut on purpose")

// Faulty passes requests to a real API server, and fails some of them. Whatever it does not fail is
// the server's own. Certificates of clients end here, so who uses it must have a token.
type Faulty struct {
	share     float64
	transport *http.Transport
	proxy     *httputil.ReverseProxy

	mutex  sync.Mutex
	random *rand.Rand
	log    io.Writer
}

// serveFaulty is the command. The same seed gives the same draws, in the order in which clients ask.
func serveFaulty(arguments []string) error {
	flags, state := newFlags("faulty")
	share := flags.Float64("share", 5, "how many of a hundred requests fail, and of pieces of answers")
	seed := flags.Uint64("seed", 1, "what the draws follow from")
	number := flags.Int("api-server", 1, "which API server it leads to")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	server, err := state.apiServer(*number)
	if err != nil {
		return err
	}
	target, err := url.Parse(server.Server)
	if err != nil {
		return err
	}
	faults, err := os.OpenFile(state.path("faults.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer faults.Close()
	trusted, err := state.trusted()
	if err != nil {
		return err
	}
	transport := &http.Transport{
		TLSClientConfig:    &tls.Config{RootCAs: trusted},
		DisableCompression: true,
	}
	faulty := &Faulty{
		share:     *share / 100,
		transport: transport,
		random:    rand.New(rand.NewPCG(*seed, 0)),
		log:       faults,
	}
	faulty.proxy = &httputil.ReverseProxy{
		Rewrite:        func(request *httputil.ProxyRequest) { request.SetURL(target) },
		Transport:      transport,
		FlushInterval:  -1,
		ModifyResponse: faulty.watchOver,
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	return state.serveBetween(faulty, true)
}

func (faulty *Faulty) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	way := ""
	if faulty.fails() {
		way = ofRequests[faulty.below(len(ofRequests))]
		faulty.note(way, request)
	}
	switch way {
	case refused500:
		http.Error(answer, "Internal Server Error", http.StatusInternalServerError)
	case refused503:
		http.Error(answer, "No server is available to handle this request.", http.StatusServiceUnavailable)
	case refused429:
		answer.Header().Set("Retry-After", "1")
		http.Error(answer, "Too many requests, please try again later.", http.StatusTooManyRequests)
	case resetAtOnce:
		reset(answer)
	case resetAnswered:
		faulty.lose(request)
		reset(answer)
	default:
		if way == late {
			time.Sleep(time.Duration(faulty.below(int(latest))))
		}
		faulty.proxy.ServeHTTP(answer, request)
	}
}

// lose lets the server do what it is asked for.
func (faulty *Faulty) lose(request *http.Request) {
	discard := &discard{header: http.Header{}}
	// An answer that is longer than this is a watch, which would go on.
	defer func() { _ = recover() }()
	faulty.proxy.ServeHTTP(discard, request)
}

// discard takes the beginning of an answer, and then breaks off.
type discard struct{ header http.Header }

func (discard *discard) Header() http.Header             { return discard.header }
func (discard *discard) WriteHeader(int)                 {}
func (discard *discard) Write(bytes []byte) (int, error) { return 0, errCut }

// reset ends the connection as a host does that knows nothing of it.
func reset(answer http.ResponseWriter) {
	connection, _, err := http.NewResponseController(answer).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if secured, is := connection.(*tls.Conn); is {
		connection = secured.NetConn()
	}
	if plain, is := connection.(*net.TCPConn); is {
		// It may be gone already.
		_ = plain.SetLinger(0)
	}
	connection.Close()
}

func (faulty *Faulty) watchOver(response *http.Response) error {
	// What is no HTTP any more is passed both ways, which a body that is only read could not be.
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	response.Body = &pieces{ReadCloser: response.Body, faulty: faulty, request: response.Request}
	return nil
}

// pieces are those of one answer, as they come.
type pieces struct {
	io.ReadCloser
	faulty  *Faulty
	request *http.Request
}

func (pieces *pieces) Read(buffer []byte) (int, error) {
	count, err := pieces.ReadCloser.Read(buffer)
	if count > 0 && pieces.faulty.fails() {
		pieces.faulty.note(cut, pieces.request)
		return count / 2, errCut
	}
	return count, err
}

func (faulty *Faulty) fails() bool {
	faulty.mutex.Lock()
	defer faulty.mutex.Unlock()
	return faulty.random.Float64() < faulty.share
}

func (faulty *Faulty) below(bound int) int {
	faulty.mutex.Lock()
	defer faulty.mutex.Unlock()
	return faulty.random.IntN(bound)
}

func (faulty *Faulty) note(way string, request *http.Request) {
	faulty.mutex.Lock()
	defer faulty.mutex.Unlock()
	fmt.Fprintf(faulty.log, "%s: %s %s\n", way, request.Method, request.URL.Path)
}
