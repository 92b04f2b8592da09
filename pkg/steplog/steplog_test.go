package steplog_test

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/steplog"
)

func TestNew(t *testing.T) {
	const text, json = `^time=\S+ level=INFO msg="two words" n=1\n$`, `^\{"time":"[^"]+","level":"INFO","msg":"two words","n":1\}\n$`
	for format, want := range map[string]string{"": text, "text": text, "xml": text, "json": json} {
		var output bytes.Buffer
		steplog.New(&output, format).Info("two words", "n", 1)
		if !regexp.MustCompile(want).Match(output.Bytes()) {
			t.Errorf("format %q writes %q", format, &output)
		}
		if known := steplog.Known(format); known != (format != "xml") {
			t.Errorf("format %q is known: %v", format, known)
		}
	}
	// Nothing to write to is no error.
	steplog.New(nil, "json").Error("lost")
}
