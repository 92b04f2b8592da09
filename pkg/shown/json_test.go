package shown_test

import (
	"encoding/json"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

func TestJSON(t *testing.T) {
	for text, want := range map[string]string{
		"":                         `""`,
		"as it is, ä…😀 \t \n":      `"as it is, ä…😀 \t \n"`,
		"\u009b31m\u0085\u007f":    `"\u009b31m\u0085\u007f"`,
		"\u202etxt\u2066\u061c":    `"\u202etxt\u2066\u061c"`,
		"\ufeff\ufffe\uffff\ufffd": `"\ufeff\ufffe\uffff` + "\ufffd\"",
		`\u009b as text`:           `"\\u009b as text"`,
	} {
		data, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		got := shown.JSON(data)
		if string(got) != want {
			t.Errorf("%+q is %s, want %s", text, got, want)
		}
		// It has the same value, also for who takes it for YAML.
		var value, ofYAML string
		if err := json.Unmarshal(got, &value); err != nil || value != text {
			t.Errorf("%s is %+q: %v", got, value, err)
		}
		if err := yaml.Unmarshal(got, &ofYAML); err != nil || ofYAML != text {
			t.Errorf("%s is %+q as YAML: %v", got, ofYAML, err)
		}
	}
	if got := string(shown.JSON([]byte("{\n  \"a\u009b\": [1, true, null]\n}\n"))); got != "{\n  \"a\\u009b\": [1, true, null]\n}\n" {
		t.Errorf("an object is %s", got)
	}
}
