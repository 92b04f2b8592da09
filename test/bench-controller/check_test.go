package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/test/bench-controller/observer"
	"github.com/comptech-lab/quay-push/test/bench-controller/replica"
)

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		check   check
		reached bool
		line    string
	}{
		{atMost(20, 19.96, "s", "wait of %d", 3), true, "wait of 3: 20 s ✓ ≤ 20 s"},
		{atMost(20, 20.04, "s", "wait"), false, "wait: 20 s ✗ ≤ 20 s"},
		{atMost(0, 0, "", "lost").beside(7), true, "lost: 0 ✓ ≤ 0 (wait-task 7)"},
		{atMost(5, math.NaN(), "%", "slope"), false, "slope: NaN % ✗ ≤ 5 %"},
		{just(1234.5, "ms", "it"), true, "it: 1234 ms"},
	} {
		if got := test.check.reached(); got != test.reached {
			t.Errorf("%s: reached %v", test.line, got)
		}
		if got := test.check.line(); got != test.line {
			t.Errorf("line %q, want %q", got, test.line)
		}
	}
}

func TestQuantile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, test := range []struct {
		values  []float64
		q, want float64
	}{{hundred, 0.5, 50}, {hundred, 0.99, 99}, {hundred, 1, 100}, {hundred, 0, 1}, {[]float64{3}, 0.5, 3}, {[]float64{9, 1, 2}, 0.5, 2}} {
		if got := quantile(test.values, test.q); got != test.want {
			t.Errorf("quantile %v = %v, want %v", test.q, got, test.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing = %v", got)
	}
}

// Whoever comes first and is served last waits far longer than its turn.
func TestUnfairness(t *testing.T) {
	starts := make([]float64, 200)
	for i := range starts {
		starts[i] = float64(i + 1)
	}
	if got := unfairness(starts); got != 1 {
		t.Errorf("in order: %v", got)
	}
	starts[99], starts[199] = starts[199], starts[99]
	if got := unfairness(starts); got != 2 {
		t.Errorf("the hundredth served as the two hundredth: %v, want 2", got)
	}
	if got := unfairness(starts[:10]); !math.IsNaN(got) {
		t.Errorf("fewer than have an order: %v", got)
	}
}

func TestBegun(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	runs := []observer.Run{{Created: at(10), TaskRun: at(12), Running: at(15)}, {Created: at(11), TaskRun: at(14), Running: at(12)}}
	if got := own.begun(runs[0]); got != 2 {
		t.Errorf("ours begins with the TaskRun: %v", got)
	}
	if got := peer.begun(runs[0]); got != 5 {
		t.Errorf("the other begins with its status: %v", got)
	}
	if got := own.begun(observer.Run{Created: at(1)}); got != 0 {
		t.Errorf("not begun: %v", got)
	}
	if got := startsOf(own, runs); got[0] != 2 || got[1] != 4 {
		t.Errorf("starts after the first run was made: %v", got)
	}
}

func TestFaults(t *testing.T) {
	good := observer.Run{TaskRuns: 1, Succeeded: true}
	runs := []observer.Run{good, {TaskRuns: 2, Succeeded: true}, {Succeeded: true}, {TaskRuns: 1}, {TaskRuns: 1, Succeeded: true, Rewritten: 3}}
	if twice, lost := faults(runs); twice != 1 || lost != 2 {
		t.Errorf("twice %v, lost %v", twice, lost)
	}
	if got := rewritten(runs); got != 1 {
		t.Errorf("rewritten %v", got)
	}
	if err := own.wellEnded([]observer.Run{good}); err != nil {
		t.Error(err)
	}
	for _, bad := range runs[1:4] {
		if own.wellEnded([]observer.Run{good, bad}) == nil {
			t.Errorf("%+v is well ended", bad)
		}
	}
	if err := peer.wellEnded([]observer.Run{{Succeeded: true, Rewritten: 1}}); err != nil {
		t.Error(err)
	}
}

// What is measured is what is shipped: the numbers that the cases know are the Deployment's.
func TestShippedNumbers(t *testing.T) {
	env, err := replica.Shipped("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"KUBE_API_QPS": "50", "KUBE_API_BURST": "100", "K_THREADS_PER_CONTROLLER": "32"} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	if shippedQPS != 50 || threads != 32 {
		t.Errorf("the cases have %d and %d", shippedQPS, threads)
	}
}

// The benchmark's servers listen on every address, and so must not be on a network that others are on.
func TestOpenRefusesANetwork(t *testing.T) {
	b := &bench{}
	err := b.open()
	if err == nil {
		b.close()
		t.Skip("this machine has no network: nothing is there to refuse")
	}
	if !strings.Contains(err.Error(), "make bench-controller") {
		t.Errorf("the error does not say what to run: %v", err)
	}
}
