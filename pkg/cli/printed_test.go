package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// What others wrote keeps its value in JSON and YAML, and is none of what a terminal obeys.
func TestPushesHostileEncoded(t *testing.T) {
	const hostile = "x\x1b[2J\u009b2J\u0085\u202e\u2066\u061c\u007f\u200f\ufeff\ufffe ä…\U0001f600 \\u009b end"
	for format, decode := range map[string]func(data []byte, to any) error{
		"json": json.Unmarshal,
		"yaml": func(data []byte, to any) error { return yaml.Unmarshal(data, to) },
	} {
		c := newCounter(t)
		c.customRun("PushImage", checkout, "build-1", ended("NoTenant", hostile), "", []string{"image-ref=" + c.image("a\u009b31m")}, nil)
		out := c.must("pushes", "payments", "--since", "10m", "-o", format)
		if strings.ContainsAny(out, "\x1b\u009b\u0085\u202e\u2066\u061c\u007f\u200f") {
			t.Errorf("%s is raw: %q", format, out)
		}
		if !strings.Contains(out, "ä…") {
			t.Errorf("%s has what is harmless in another form: %q", format, out)
		}
		var r pushed
		if err := decode([]byte(out), &r); err != nil {
			t.Fatalf("%s: %v\n%s", format, err, out)
		}
		if len(r.Pushes) != 1 || r.Pushes[0].Refused != "NoTenant: "+hostile || r.Pushes[0].Repository != c.image("a\u009b31m") {
			t.Errorf("%s has another value: %+v", format, r.Pushes)
		}
	}
}
