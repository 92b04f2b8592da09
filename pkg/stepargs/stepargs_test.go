package stepargs_test

import (
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/stepargs"
)

// parse parses args of a program with two flags, and returns what it took for --timeout, what was written and the error.
func parse(args ...string) (timeout, out string, err error) {
	fs := flag.NewFlagSet("step", flag.ContinueOnError)
	value := fs.Duration("timeout", 0, "limit for `all` of it")
	fs.Bool("quick", false, "hurry")
	var b strings.Builder
	err = stepargs.Parse(fs, "step --timeout ALL [flags]", args, &b)
	return value.String(), b.String(), err
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, args, timeout, err string
	}{
		{"nothing", "", "0s", ""},
		{"a value behind", "--timeout 5s", "5s", ""},
		{"a value with an equals sign", "--timeout=5s --quick", "5s", ""},
		{"one dash", "-timeout 5s", "5s", ""},
		{"an unknown flag", "--timeout 5s --none", "5s", "flag provided but not defined: --none"},
		{"a wrong value", "--timeout 5", "0s", `invalid value "5" for flag --timeout: parse error`},
		{"no value", "--timeout", "0s", "flag needs an argument: --timeout"},
		{"no truth", "--quick=maybe", "0s", `invalid boolean value "maybe" for --quick: parse error`},
		{"a stray argument", "--timeout 5s stray", "5s", `unexpected argument "stray"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			timeout, out, err := parse(strings.Fields(test.args)...)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if timeout != test.timeout || text != test.err || out != "" {
				t.Errorf("--timeout %s, error %q, written %q; want %s, %q and nothing", timeout, text, out, test.timeout, test.err)
			}
		})
	}
}

// Help and the version are what is asked for, and no error.
func TestParseTells(t *testing.T) {
	for arg, want := range map[string]string{
		"--help":    "Usage: step --timeout ALL [flags]\n  --quick\n    \thurry\n  --timeout all\n    \tlimit for all of it\n  --version\n    \tprint what the program was built from\n",
		"--version": "step ",
	} {
		_, out, err := parse(arg)
		if !errors.Is(err, flag.ErrHelp) || !strings.HasPrefix(out, want) {
			t.Errorf("%s writes %q and returns %v, want %q and ErrHelp", arg, out, err, want)
		}
	}
	if next := stepargs.See("step"); next != "see step --help" {
		t.Errorf("the next step is %q", next)
	}
}
