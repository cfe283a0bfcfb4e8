//go:build linux

// Gateway measures the cost of a gateway, compared with httputil.ReverseProxy and nginx, and prints one table from one
// run.
//
//	go run ./gateway -pfxrd ../../bin/pfxrd
//
// The measured program runs on one core, the load and the upstream on another. Every round runs every variant once, so
// that a busy moment of the machine affects all rows alike. A figure is the median of the rounds. CPU is the user and
// system time of the process in the kernel's accounting.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pfxrecryption/pfxrecryption/scripts/bench/load"
)

var (
	pfxrd       = flag.String("pfxrd", "", "the program to measure")
	rounds      = flag.Int("rounds", 5, "how often each variant runs")
	duration    = flag.Duration("duration", 3*time.Second, "how long it runs each time")
	connections = flag.Int("connections", 64, "how many connections send requests, one after another")
	rate        = flag.Float64("rate", 500, "requests a second for the latency")
	only        = flag.String("only", "", "a regular expression: measure only variants with such names, and those that they are compared with")
	role        = flag.String("role", "", "what a child process does: load, pace, upstream, reverseproxy, reverseproxy-kin")
	target      = flag.String("target", "", "where a child process sends to")
	contract    = flag.String("contract", ours, "whose request a child process sends: pfx, orders")
)

func main() {
	flag.Parse()
	err := errors.New("-pfxrd is needed")
	switch {
	case *role != "":
		err = play(*role, *target)
	case *pfxrd != "":
		err = run()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "gateway: %v\n", err)
		os.Exit(1)
	}
}

// The cores of the measured program and of everything else.
const (
	measuredCore = "0"
	otherCore    = "1"
)

// The contracts whose requests are sent.
const (
	ours    = "pfx"
	foreign = "orders"
)

// variant is a program between the load and the upstream.
type variant struct {
	name     string
	contract string
	start    func(upstream string) (*load.Process, error) // nil: the load calls the upstream directly
	runs     []sample
	paced    []answers
}

type sample struct{ perSecond, cpu float64 } // cpu in microseconds per request

func gateway(args ...string) func(string) (*load.Process, error) {
	return func(upstream string) (*load.Process, error) {
		return load.Start(on(measuredCore, *pfxrd, append([]string{
			"gateway", "--listen=127.0.0.1:0", "--admin-listen=", "--access-log=off", "--upstream", "http://" + upstream,
		}, args...)...))
	}
}

func peer(role string) func(string) (*load.Process, error) {
	return func(upstream string) (*load.Process, error) {
		return load.Start(on(measuredCore, os.Args[0], "-role", role, "-target", upstream))
	}
}

// on returns a command that runs a program on one core.
func on(core, program string, args ...string) *exec.Cmd {
	return exec.Command("taskset", append([]string{"-c", core, program}, args...)...)
}

const (
	reverseProxy = "httputil.ReverseProxy"
	passThrough  = "gateway, nothing checked"
	orders       = "--spec=gateway/orders.yaml"
)

// variants returns the variants; dir is for nginx. The first variant of a contract is the reference for the others.
func variants(dir string) []*variant {
	all := []*variant{
		{"the upstream itself", ours, nil, nil, nil},
		{reverseProxy, ours, peer("reverseproxy"), nil, nil},
		{"ReverseProxy, kin-openapi checks requests", ours, peer("reverseproxy-kin"), nil, nil},
		{passThrough, ours, gateway("--requests=off", "--responses=off"), nil, nil},
		{"gateway, requests enforced", ours, gateway("--responses=off"), nil, nil},
		{"gateway, requests enforced, access log", ours, gateway("--responses=off", "--access-log=on"), nil, nil},
		{"gateway, requests enforced by a document", ours, gateway("--responses=off", "--spec=../../openapi/openapi.yaml"), nil, nil},
		{"gateway, both directions enforced", ours, gateway("--responses=enforce"), nil, nil},
		{"orders: the upstream itself", foreign, nil, nil, nil},
		{"orders: " + reverseProxy, foreign, peer("reverseproxy"), nil, nil},
		{"orders: " + passThrough, foreign, gateway("--requests=off", "--responses=off", orders), nil, nil},
		{"orders: gateway, requests enforced", foreign, gateway("--responses=off", orders), nil, nil},
	}
	if _, err := exec.LookPath("nginx"); err == nil {
		all = slices.Insert(all, 1, &variant{"nginx, nothing checked", ours, nginx(dir), nil, nil})
	} else {
		fmt.Println("left out: nginx is not installed")
	}
	return all
}

func run() (err error) {
	if runtime.NumCPU() < 2 {
		return errors.New("two cores are needed")
	}
	up, err := load.Start(on(otherCore, os.Args[0], "-role", "upstream"))
	if err != nil {
		return err
	}
	defer up.Stop()
	dir, err := os.MkdirTemp("", "gateway")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	chosen, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(variants(dir), func(v *variant) bool {
		return !chosen.MatchString(v.name) && v.start != nil && !strings.HasSuffix(v.name, reverseProxy) && !strings.HasSuffix(v.name, passThrough)
	})
	for round := range *rounds {
		for _, v := range all {
			if err := v.measure(up.Address); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, *rounds)
	}
	return report(all)
}

// measure runs one round of a variant: as many requests as possible, then few, for the latency.
func (v *variant) measure(upstream string) error {
	address := upstream
	var p *load.Process
	if v.start != nil {
		var err error
		if p, err = v.start(upstream); err != nil {
			return err
		}
		defer p.Stop()
		address = p.Address
	}
	if _, err := v.child("load", address, *duration/4); err != nil { // warms up
		return err
	}
	before := p.CPU()
	a, err := v.child("load", address, *duration)
	if err != nil {
		return err
	}
	v.runs = append(v.runs, sample{a.count / duration.Seconds(), (p.CPU() - before).Seconds() * 1e6 / a.count})
	a, err = v.child("pace", address, *duration)
	v.paced = append(v.paced, a)
	return err
}

func report(all []*variant) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\trequests/s\tCPU µs/request\tof ReverseProxy\tabove pass-through\tp50 at %.0f/s\tp99 at %.0f/s\tadded p99\t\n", *rate, *rate)
	for _, v := range all {
		fmt.Fprintf(w, "%s\t%.0f\t", v.name, load.Median(v.runs, func(s sample) float64 { return s.perSecond }))
		if v.start == nil {
			fmt.Fprint(w, "\t\t\t")
		} else {
			fmt.Fprintf(w, "%.1f\t%.2f\t%+.1f\t", v.cpu(), v.cpu()/like(all, v, reverseProxy).cpu(), v.cpu()-like(all, v, passThrough).cpu())
		}
		fmt.Fprintf(w, "%.2f ms\t%.2f ms\t%+.2f ms\t\n", load.Median(v.paced, func(a answers) float64 { return a.p50 }), v.p99(), v.p99()-like(all, v, "").p99())
	}
	return w.Flush()
}

// like returns the first variant of v's contract whose name has the suffix.
func like(all []*variant, v *variant, name string) *variant {
	return all[slices.IndexFunc(all, func(o *variant) bool { return o.contract == v.contract && strings.HasSuffix(o.name, name) })]
}

func (v *variant) cpu() float64 { return load.Median(v.runs, func(s sample) float64 { return s.cpu }) }
func (v *variant) p99() float64 {
	return load.Median(v.paced, func(a answers) float64 { return a.p99 })
}

// answers has the number of responses per second, and quantiles of their times in milliseconds.
type answers struct{ count, p50, p99 float64 }

// child runs this program in another role, on the core that is not measured, and returns its output.
func (v *variant) child(role, address string, d time.Duration) (answers, error) {
	cmd := on(otherCore, os.Args[0], "-role", role, "-target", address, "-contract", v.contract, "-duration", d.String(),
		"-connections", fmt.Sprint(*connections), "-rate", fmt.Sprint(*rate))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return answers{}, fmt.Errorf("running %s: %w", role, err)
	}
	var a answers
	_, err = fmt.Sscan(string(out), &a.count, &a.p50, &a.p99)
	return a, err
}

// nginx returns a function that starts nginx with one worker and keep-alive on both sides.
func nginx(dir string) func(string) (*load.Process, error) {
	return func(upstream string) (*load.Process, error) {
		address, err := load.FreeAddress()
		if err != nil {
			return nil, err
		}
		config := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(config, fmt.Appendf(nil, nginxConf, dir, upstream, address), 0o600); err != nil {
			return nil, err
		}
		return load.StartAt(address, load.Listens, on(measuredCore, "nginx", "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", config))
	}
}

const nginxConf = `daemon off;
master_process off;
pid %[1]s/pid;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	keepalive_requests 10000000;
	upstream api {
		server %[2]s;
		keepalive 128;
		keepalive_requests 10000000;
	}
	server {
		listen %[3]s;
		location / {
			proxy_pass http://api;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
		}
	}
}
`
