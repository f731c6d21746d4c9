// How does etcd run for a cluster that lives as long as a test?

package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// maxSizeOfEtcd in bytes: of the file, beyond which etcd refuses to write. Benchmarks hold some
// hundred thousand objects, of about 1 KiB each, and their history.
const maxSizeOfEtcd = 4 << 30

// runEtcd serves until it is told to end. It listens on a socket in its folder and nowhere else, so
// it needs no port, no address and no certificates, and only the folder's owner reaches it.
func runEtcd(arguments []string) error {
	flags := flag.NewFlagSet("etcd", flag.ContinueOnError)
	folder := flags.String("state", "", "folder of the control plane's state")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	state := State{Folder: *folder}
	config := embed.NewConfig()
	config.Dir = filepath.Join(state.Folder, "etcd")
	config.ListenClientUrls = []url.URL{state.etcdURL()}
	// AdvertiseClientUrls stay what they are by default: nobody asks for them, and a socket may not
	// be among them.
	// One member has no peers to listen to.
	config.ListenPeerUrls = nil
	// What a crash of the machine would lose is of no use after it. A crash of etcd loses nothing.
	config.UnsafeNoFsync = true
	config.QuotaBackendBytes = maxSizeOfEtcd
	config.LogLevel = "warn"
	config.WarningUnaryRequestDuration = time.Second
	config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(newEtcdLogger())
	// A socket that was left by a process that was killed would be in the way.
	if err := os.Remove(state.etcdSocket()); err != nil && !os.IsNotExist(err) {
		return err
	}
	server, err := embed.StartEtcd(config)
	if err != nil {
		return fmt.Errorf("start etcd: %w", err)
	}
	defer server.Close()
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-ended:
		return nil
	case err := <-server.Err():
		return fmt.Errorf("serve etcd: %w", err)
	}
}

func newEtcdLogger() *zap.Logger {
	config := zap.NewProductionConfig()
	config.Level = zap.NewAtomicLevelAt(zap.WarnLevel)
	logger, err := config.Build()
	if err != nil {
		return zap.NewNop()
	}
	return logger
}

func (state State) etcdClient() (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints:   []string{state.etcdURLText()},
		DialTimeout: time.Second,
		Logger:      zap.NewNop(),
	})
}

// etcdIsHealthy is nil when etcd says so itself.
func (state State) etcdIsHealthy() error {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", state.etcdSocket())
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: askDeadline}
	defer client.CloseIdleConnections()
	return ask(&client, "http://etcd/health")
}

// compactEtcd forgets all history before now, and gives the revision that is now the oldest. Who
// reads an older one from etcd is told that it is gone (410).
func (state State) compactEtcd() (int64, error) {
	client, err := state.etcdClient()
	if err != nil {
		return 0, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	now, err := client.Get(ctx, "/registry/health")
	if err != nil {
		return 0, fmt.Errorf("ask etcd for its revision: %w", err)
	}
	revision := now.Header.Revision
	if _, err := client.Compact(ctx, revision, clientv3.WithCompactPhysical()); err != nil {
		return 0, fmt.Errorf("compact etcd at revision %d: %w", revision, err)
	}
	return revision, nil
}
