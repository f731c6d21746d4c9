// How is a running control plane told to end a component, to start it again, or to end itself?

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// Order is what a command asks of the supervisor; the names of its verbs are those of the commands.
type Order struct {
	Verb      string `json:"verb"`
	Component string `json:"component,omitempty"`
}

// Outcome of an order. Empty when it was carried out.
type Outcome struct {
	Error string `json:"error,omitempty"`
}

// serve carries orders out until the listener is closed. `down` is called for the order to end all.
func (supervisor *Supervisor) serve(listener net.Listener, down func()) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go supervisor.answer(connection, down)
	}
}

func (supervisor *Supervisor) answer(connection net.Conn, down func()) {
	defer connection.Close()
	order := Order{}
	outcome := Outcome{}
	if err := json.NewDecoder(connection).Decode(&order); err != nil {
		outcome.Error = fmt.Sprintf("not an order: %v", err)
	} else if order.Verb == "down" {
		// The connection ends with the supervisor, and so its end is the answer.
		down()
		select {}
	} else if err := supervisor.carryOut(order); err != nil {
		outcome.Error = err.Error()
	}
	// Who has gone does not want to know.
	_ = json.NewEncoder(connection).Encode(outcome)
}

func (supervisor *Supervisor) carryOut(order Order) error {
	switch order.Verb {
	case "start":
		return supervisor.start(order.Component)
	case "stop":
		return supervisor.end(order.Component, syscall.SIGTERM)
	case "kill":
		return supervisor.end(order.Component, syscall.SIGKILL)
	default:
		return fmt.Errorf("no such order: %s", order.Verb)
	}
}

func (state State) listen() (net.Listener, error) {
	path := state.controlSocket()
	if connection, err := net.Dial("unix", path); err == nil {
		connection.Close()
		return nil, fmt.Errorf("a control plane runs already at %s\nhint: control-plane down --state %s", state.Folder, state.Folder)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return net.Listen("unix", path)
}

// order sends one, and waits until it is carried out.
func (state State) order(order Order) error {
	connection, err := net.Dial("unix", state.controlSocket())
	if err != nil {
		return fmt.Errorf("no control plane runs at %s: %w\nhint: control-plane up --state %s", state.Folder, err, state.Folder)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(startDeadline + time.Minute)); err != nil {
		return err
	}
	if err := json.NewEncoder(connection).Encode(order); err != nil {
		return fmt.Errorf("give the order: %w", err)
	}
	outcome := Outcome{}
	if err := json.NewDecoder(connection).Decode(&outcome); err != nil && order.Verb != "down" {
		return fmt.Errorf("the control plane ended before it had answered: %w", err)
	}
	if outcome.Error != "" {
		return errors.New(outcome.Error)
	}
	return nil
}

// command is `start`, `stop` or `kill` of a component, or `down`.
func command(verb string, arguments []string) error {
	flags, state := newFlags(verb)
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if verb == "down" {
		return state.order(Order{Verb: verb})
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("not one component is named\nhint: control-plane %s [--state FOLDER] %s", verb, apiServer)
	}
	return state.order(Order{Verb: verb, Component: flags.Arg(0)})
}
