package conformance

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

var onCluster = flag.Bool("cluster", false, "check also the lines that a cluster decides, on that of KUBECONFIG")

// TestConformance checks every line, and prints how it went.
func TestConformance(t *testing.T) {
	r := &report{outcomes: map[string]string{}}
	t.Cleanup(func() { r.print(os.Stdout, Checks) })
	var cluster *Cluster
	if *onCluster {
		cluster = openCluster(t)
	}
	for _, mode := range []Mode{Default, Custody} {
		t.Run(string(mode), func(t *testing.T) {
			if cluster != nil && mode == Custody {
				cluster.with(&T{t, mode}).takeIntoCustody()
			}
			// Those that disturb run first, one by one; the others wait until this function has ended.
			for _, alone := range []bool{true, false} {
				for _, c := range Checks {
					if c.Alone == alone && c.applies(mode) {
						t.Run(c.ID, func(t *testing.T) { r.check(&T{t, mode}, c, cluster) })
					}
				}
			}
		})
	}
}

// How a line can end. The worst of its modes counts.
const (
	pass          = "pass"
	fail          = "FAIL"
	needsCluster  = "needs a cluster"
	byHand        = "shown by hand"
	notApplicable = "not applicable"
)

// report is what came of the lines, by ID.
type report struct {
	sync.Mutex
	outcomes map[string]string
}

func (r *report) check(t *T, c Check, cluster *Cluster) {
	outcome := pass
	t.Cleanup(func() {
		if t.Failed() {
			outcome = fail
		}
		r.add(c.ID, outcome)
	})
	switch {
	case c.InProcess != nil:
		c.InProcess(t)
	case c.OnCluster == nil && c.ByHand != "":
		outcome = byHand
	case c.OnCluster == nil:
		outcome = notApplicable
	case cluster == nil:
		outcome = needsCluster
	default:
		if !c.Alone {
			t.Parallel()
		}
		c.OnCluster(t, cluster.with(t))
	}
}

func (r *report) add(id, outcome string) {
	r.Lock()
	defer r.Unlock()
	if r.outcomes[id] != fail {
		r.outcomes[id] = outcome
	}
}

func (r *report) print(w io.Writer, checks []Check) {
	count := map[string]int{}
	for _, c := range checks {
		outcome, checked := r.outcomes[c.ID]
		if !checked {
			continue
		}
		count[outcome]++
		line := fmt.Sprintf("%-5s %-15s %s", c.ID, outcome, c.Sentence)
		if why := c.Why + c.ByHand; why != "" {
			line += ": " + why
		}
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "%d lines: %d pass, %d fail, %d need a cluster, %d shown by hand, %d not applicable\n",
		len(r.outcomes), count[pass], count[fail], count[needsCluster], count[byHand], count[notApplicable])
}

// Every number of the checklist is there once, in its order, and decided in one way.
func TestListIsComplete(t *testing.T) {
	var want, got []string
	for _, section := range [][2]int{{1, 7}, {10, 14}, {20, 26}, {30, 35}, {40, 43}, {50, 52}, {60, 75}, {80, 84}, {90, 95}, {100, 107}} {
		for n := section[0]; n <= section[1]; n++ {
			want = append(want, fmt.Sprintf("C%02d", n))
		}
	}
	for _, c := range Checks {
		got = append(got, c.ID)
		decided := 0
		for _, is := range []bool{c.Why != "", c.ByHand != "", c.InProcess != nil, c.OnCluster != nil} {
			if is {
				decided++
			}
		}
		if decided != 1 || c.Sentence == "" {
			t.Errorf("%s is decided in %d ways, or says nothing", c.ID, decided)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("lines %v, want %v", got, want)
	}
}

func TestReport(t *testing.T) {
	r := &report{outcomes: map[string]string{}}
	for _, o := range [][2]string{{"C1", pass}, {"C1", pass}, {"C2", fail}, {"C2", pass}, {"C3", pass}, {"C3", fail}, {"C4", byHand}} {
		r.add(o[0], o[1])
	}
	var out strings.Builder
	r.print(&out, []Check{{ID: "C1", Sentence: "one"}, {ID: "C2", Sentence: "two"}, {ID: "C3", Sentence: "three"}, {ID: "C4", Sentence: "four", ByHand: "there"}, {ID: "C5"}})
	want := "C1    pass            one\nC2    FAIL            two\nC3    FAIL            three\nC4    shown by hand   four: there\n" +
		"4 lines: 1 pass, 2 fail, 0 need a cluster, 1 shown by hand, 0 not applicable\n"
	if out.String() != want {
		t.Errorf("report:\n%s\nwant:\n%s", out.String(), want)
	}
}
