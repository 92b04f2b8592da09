package registry

import (
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const line = "4711 (a name) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 1 0"
	if got, err := parseStat(line); err != nil || got != 1750*time.Millisecond {
		t.Errorf("parseStat = %v, %v, want 1.75s", got, err)
	}
	for _, wrong := range []string{"", "1 (x) S 1", strings.Replace(line, "150", "x", 1)} {
		if got, err := parseStat(wrong); err == nil {
			t.Errorf("parseStat(%q) = %v", wrong, got)
		}
	}
}

// Work that the registry does is counted.
func TestCPU(t *testing.T) {
	r := start(t, 0)
	before, err := r.CPU()
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, r, false)
	deadline := time.Now().Add(20 * time.Second)
	for after := before; after < before+2*tick; {
		do(t, c, "GET", "https://"+r.Host+"/v2/", "", strings.Repeat("x", 1<<20))
		if after, err = r.CPU(); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("it was %v, and is %v", before, after)
		}
	}
}
