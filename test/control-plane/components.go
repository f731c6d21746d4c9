// With which arguments does each component run?

package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Settings are what differs between two control planes.
type Settings struct {
	State State
	// Bind is the address that the API server listens on; loopback when nobody says otherwise.
	Bind string
	// Advertise is the address that others reach it at; Bind when empty.
	Advertise string
	// APIServers is how many there are, each over the same etcd.
	APIServers int
	// Port of the first API server; a free one when 0.
	Port int
	// ports are those of all API servers, once they are known.
	ports []int
	// Names are more names and addresses that the API server's certificate is for.
	Names []string
	// ServiceCIDRs and PodCIDRs: one for each family.
	ServiceCIDRs string
	PodCIDRs     string
	Scheduler    bool
	// Version is what API servers say that they are; their own when empty.
	Version string
	// With holds more arguments, each as COMPONENT:ARGUMENT; those of kube-apiserver are for all API
	// servers. The last of two that contradict holds.
	With []string
}

const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	kubeScheduler     = "kube-scheduler"
)

// controllers are those that decide about Services, endpoints, nodes, and what makes Pods. Not
// here: volumes, quotas, autoscaling, clouds, certificates on request.
var controllerNames = []string{
	"clusterrole-aggregation-controller",
	"cronjob-controller",
	"daemonset-controller",
	"deployment-controller",
	"disruption-controller",
	"endpoints-controller",
	"endpointslice-controller",
	"endpointslice-mirroring-controller",
	"garbage-collector-controller",
	"job-controller",
	"namespace-controller",
	"node-ipam-controller",
	"node-lifecycle-controller",
	"pod-garbage-collector-controller",
	"replicaset-controller",
	"replicationcontroller-controller",
	"root-ca-certificate-publisher-controller",
	"service-cidr-controller",
	"serviceaccount-controller",
	"serviceaccount-token-controller",
	"statefulset-controller",
	"taint-eviction-controller",
	"ttl-after-finished-controller",
}

// auditPolicy has one line for each request with who, what and how it ended, and none of its body.
// A watch has two: one when it begins, one when it ends.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

// apiServerName: the first is called as its program is, each other one
// has its number behind it.
func apiServerName(number int) string { return numbered(apiServer, number) }

func numbered(name string, number int) string {
	if number == 1 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, number)
}

// apiServerNumber is 0 when the component is none.
func (settings Settings) apiServerNumber(component string) int {
	for number := 1; number <= settings.APIServers; number++ {
		if apiServerName(number) == component {
			return number
		}
	}
	return 0
}

// program is what a component runs.
func (settings Settings) program(component string) string {
	if settings.apiServerNumber(component) > 0 {
		return apiServer
	}
	return component
}

// arguments of a component, in the order in which they are given.
func (settings Settings) arguments(component string) ([]string, error) {
	var arguments []string
	program := settings.program(component)
	switch program {
	case etcd:
		arguments = []string{"--state=" + settings.State.Folder}
	case apiServer:
		arguments = settings.apiServerArguments(settings.apiServerNumber(component))
	case controllerManager:
		arguments = settings.controllerManagerArguments()
	case kubeScheduler:
		arguments = []string{
			"--kubeconfig=" + settings.State.kubeconfigOf(kubeScheduler),
			"--leader-elect=false",
			"--secure-port=0",
		}
	default:
		return nil, fmt.Errorf("no such component: %s", component)
	}
	for _, more := range settings.With {
		of, argument, found := strings.Cut(more, ":")
		if !found {
			return nil, fmt.Errorf("not COMPONENT:ARGUMENT: %s", more)
		}
		if of == component || of == program {
			arguments = append(arguments, argument)
		}
	}
	return arguments, nil
}

func (settings Settings) apiServerArguments(number int) []string {
	state := settings.State
	arguments := []string{
		"--etcd-servers=" + state.etcdURLText(),
		"--bind-address=" + settings.Bind,
		"--advertise-address=" + settings.Advertise,
		"--secure-port=" + strconv.Itoa(settings.ports[number-1]),
		"--tls-cert-file=" + state.pki("apiserver.crt"),
		"--tls-private-key-file=" + state.pki("apiserver.key"),
		"--client-ca-file=" + state.pki("ca.crt"),
		"--kubelet-client-certificate=" + state.pki("kubelet-client.crt"),
		"--kubelet-client-key=" + state.pki("kubelet-client.key"),
		"--service-account-issuer=" + issuer,
		"--service-account-key-file=" + state.pki("sa.pub"),
		"--service-account-signing-key-file=" + state.pki("sa.key"),
		"--service-cluster-ip-range=" + settings.ServiceCIDRs,
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		// On SIGTERM it ends its watches, instead of waiting for their clients to do so.
		"--shutdown-watch-termination-grace-period=1s",
		"--audit-policy-file=" + state.path("audit-policy.yaml"),
		"--audit-log-path=" + state.auditLog(number),
		// In MiB. A log that begins anew would hide from a test what it looks for.
		"--audit-log-maxsize=65536",
	}
	// The endpoints of the Service `kubernetes` may not be on loopback, and are told apart by their
	// addresses alone.
	address, err := netip.ParseAddr(settings.Advertise)
	if number > 1 || err == nil && address.IsLoopback() {
		arguments = append(arguments, "--endpoint-reconciler-type=none")
	}
	return arguments
}

func (settings Settings) controllerManagerArguments() []string {
	state := settings.State
	return []string{
		"--kubeconfig=" + state.kubeconfigOf(controllerManager),
		"--controllers=" + strings.Join(controllerNames, ","),
		"--leader-elect=false",
		"--secure-port=0",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + state.pki("sa.key"),
		"--root-ca-file=" + state.pki("ca.crt"),
		"--allocate-node-cidrs=true",
		"--cluster-cidr=" + settings.PodCIDRs,
		"--service-cluster-ip-range=" + settings.ServiceCIDRs,
		"--node-monitor-period=1s",
		"--node-monitor-grace-period=20s",
		// Its own default would make thousands of Services wait for their endpoints.
		"--kube-api-qps=2000",
		"--kube-api-burst=4000",
	}
}

// complete fills in what was left open.
func (settings *Settings) complete() error {
	if _, err := netip.ParseAddr(settings.Bind); err != nil {
		return fmt.Errorf("address to listen on: %w", err)
	}
	if settings.Advertise == "" {
		settings.Advertise = settings.Bind
	}
	advertised, err := netip.ParseAddr(settings.Advertise)
	if err != nil {
		return fmt.Errorf("address to be reached at: %w", err)
	}
	if advertised.IsUnspecified() {
		return fmt.Errorf("nobody reaches a server at %s\nhint: --advertise ADDRESS", advertised)
	}
	if settings.APIServers < 1 {
		return fmt.Errorf("not a number of API servers: %d", settings.APIServers)
	}
	for number := 1; number <= settings.APIServers; number++ {
		port := settings.Port
		if number > 1 || port == 0 {
			if port, err = freePort(settings.Bind); err != nil {
				return err
			}
		}
		settings.ports = append(settings.ports, port)
	}
	return nil
}

// freePort was free a moment ago. Should somebody else be faster, the API server says so and ends.
func freePort(address string) (int, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// server is where an API server is reached.
func (settings Settings) server(number int) string {
	port := strconv.Itoa(settings.ports[number-1])
	return "https://" + net.JoinHostPort(settings.Advertise, port)
}

// used is the number of the API server that the controllers ask, and whoever changes objects: the
// last, so that those who follow the first can lose it while the cluster goes on.
func (settings Settings) used() int { return settings.APIServers }

// writeFiles makes what the components read: keys, certificates, kubeconfigs, the audit policy.
func (settings Settings) writeFiles() error {
	state := settings.State
	if err := os.WriteFile(state.path("audit-policy.yaml"), []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	if err := state.makeServiceAccountKeys(); err != nil {
		return err
	}
	authority, err := state.authority()
	if err != nil {
		return err
	}
	names, addresses, err := settings.reachedAt()
	if err != nil {
		return err
	}
	server, err := authority.server(apiServer, names, addresses)
	if err != nil {
		return err
	}
	if err := server.write(state.pki("apiserver.crt"), state.pki("apiserver.key")); err != nil {
		return err
	}
	kubelets, err := authority.client("kube-apiserver-kubelet-client", []string{"system:masters"}, year)
	if err != nil {
		return err
	}
	if err := kubelets.write(state.pki("kubelet-client.crt"), state.pki("kubelet-client.key")); err != nil {
		return err
	}
	write := func(path string, number int, user User) error {
		text, err := state.kubeconfig(settings.server(number), user)
		if err != nil {
			return err
		}
		return writeWhole(path, text)
	}
	admin := User{Name: "admin", Groups: []string{"system:masters"}, Valid: year}
	for number := 1; number <= settings.APIServers; number++ {
		if err := write(state.adminKubeconfig(number), number, admin); err != nil {
			return err
		}
	}
	for _, component := range []string{controllerManager, kubeScheduler} {
		user := User{Name: "system:" + component, Valid: year}
		if err := write(state.kubeconfigOf(component), settings.used(), user); err != nil {
			return err
		}
	}
	return nil
}

// reachedAt gives the names and addresses that the API server's certificate is for.
func (settings Settings) reachedAt() ([]string, []net.IP, error) {
	names := []string{
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc.cluster.local",
	}
	addresses := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	for _, name := range append([]string{settings.Bind, settings.Advertise}, settings.Names...) {
		if address := net.ParseIP(name); address != nil {
			addresses = append(addresses, address)
		} else {
			names = append(names, name)
		}
	}
	for _, text := range strings.Split(settings.ServiceCIDRs, ",") {
		cidr, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, nil, fmt.Errorf("CIDR of Services: %w", err)
		}
		// The first address of each is that of the Service `kubernetes`.
		addresses = append(addresses, net.IP(cidr.Masked().Addr().Next().AsSlice()))
	}
	return names, addresses, nil
}
