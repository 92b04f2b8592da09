package benchmark_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/benchmark"
)

type oneCase string

func (c oneCase) CaseName() string { return string(c) }

func TestEach(t *testing.T) {
	cases := []oneCase{"large-0", "large-20", "size"}
	for filter, want := range map[string][]oneCase{"": cases, "large": cases[:2], "^size$": cases[2:], "none": nil} {
		var ran []oneCase
		err := benchmark.Each(cases, filter, func(c oneCase) error { ran = append(ran, c); return nil })
		if err != nil || !slices.Equal(ran, want) {
			t.Errorf("-case %q runs %v, %v; want %v", filter, ran, err, want)
		}
	}
	if names := benchmark.Names(cases); !slices.Equal(names, []string{"large-0", "large-20", "size"}) {
		t.Errorf("they are called %v", names)
	}
}

// The first case that fails is the last that runs, and the error names it.
func TestEachFails(t *testing.T) {
	ran := 0
	err := benchmark.Each([]oneCase{"a", "b", "c"}, "", func(c oneCase) error {
		if ran++; c == "b" {
			return errors.New("broken")
		}
		return nil
	})
	if err == nil || err.Error() != "case b: broken" || ran != 2 {
		t.Errorf("%d ran, %v", ran, err)
	}
	if err := benchmark.Each([]oneCase{"a"}, "(", nil); err == nil || !strings.HasPrefix(err.Error(), "-case: ") {
		t.Errorf("-case ( gives %v", err)
	}
}

func TestLoad(t *testing.T) {
	if got := benchmark.Load(); !regexp.MustCompile(`^[0-9]+\.[0-9]{2}$`).MatchString(got) {
		t.Errorf("the load is %q", got)
	}
}
