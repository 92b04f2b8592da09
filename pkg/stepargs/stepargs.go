// Package stepargs is how the programs that run as steps of a Task read their arguments.
package stepargs

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/version"
)

// singleDash is a flag as package flag writes it.
var singleDash = regexp.MustCompile(`(^ *|flag |for |: )-([a-z])`)

// Parse parses args into fs, whose name is the program's and whose output it sets. Flags are written with two dashes, as everybody
// writes them. Help, which begins with how the program is called, and the version are written to out where they are asked for: then
// the error is flag.ErrHelp. Any other error says in one clause what is wrong; its next step is See.
func Parse(fs *flag.FlagSet, call string, args []string, out io.Writer) error {
	fs.Usage = func() {}
	told := fs.Bool("version", false, "print what the program was built from")
	flags := &strings.Builder{}
	fs.SetOutput(flags)
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fs.PrintDefaults()
		fmt.Fprintln(out, "Usage: "+call)
		for line := range strings.Lines(flags.String()) {
			io.WriteString(out, singleDash.ReplaceAllString(line, "$1--$2"))
		}
		return err
	case err != nil:
		return errors.New(singleDash.ReplaceAllString(err.Error(), "$1--$2"))
	case *told:
		io.WriteString(out, version.Read().Text(fs.Name()))
		return flag.ErrHelp
	case fs.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return nil
}

// See is the next step after an error of Parse.
func See(program string) string { return "see " + program + " --help" }
