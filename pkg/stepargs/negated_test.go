package stepargs_test

import (
	"flag"
	"io"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/stepargs"
)

func TestNegated(t *testing.T) {
	for _, c := range []struct {
		args []string
		off  bool
	}{{nil, false}, {[]string{"--anchor"}, false}, {[]string{"--anchor=true"}, false}, {[]string{"--anchor=false"}, true}, {[]string{"--anchor=0"}, true}} {
		var off bool
		fs := flag.NewFlagSet("program", flag.ContinueOnError)
		fs.Var(stepargs.Negated{Off: &off}, "anchor", "set an anchor")
		if err := fs.Parse(c.args); err != nil || off != c.off {
			t.Errorf("%q: off is %v, error %v", c.args, off, err)
		}
		if shown := fs.Lookup("anchor").DefValue; shown != "true" {
			t.Errorf("the default is shown as %q", shown)
		}
	}
	off := true
	fs := flag.NewFlagSet("program", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Var(stepargs.Negated{Off: &off}, "anchor", "set an anchor")
	if err := fs.Parse([]string{"--anchor=maybe"}); err == nil || !off {
		t.Errorf("of maybe it says %v, and off is %v", err, off)
	}
}
