package quaytest

import (
	"encoding/json"
	"testing"
)

// What Quay quotes in an error is as Python prints it.
func TestPython(t *testing.T) {
	for text, want := range map[string]string{
		`null`: "None", `true`: "True", `false`: "False", `"it's"`: `'it\'s'`, `5`: "5", `1000000`: "1000000", `1.5`: "1.5",
		`[1,["x"],{}]`: "[1, ['x'], {}]", `{"b":null,"a":true}`: "{'a': True, 'b': None}",
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if got := python(v); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// JSON that is written again is as Python's json.dumps writes it, in the order in which it came.
func TestDumps(t *testing.T) {
	for text, want := range map[string]string{
		`{"b":1,"a":[true,null,"x"],"c":{}}`:       `{"b": 1, "a": [true, null, "x"], "c": {}}`,
		"\"\u003c\u00e9\U0001f600\\n\\u0001\\\"\"": `"<\u00e9\ud83d\ude00\n\u0001\""`,
		` [ ] `: `[]`,
		`-1.50`: `-1.50`,
	} {
		if got := dumps(json.RawMessage(text)); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{``, `[1]`, `{`, `{"a"`, `{"a":}`} {
		if got := members(json.RawMessage(text)); len(got) > 0 {
			t.Errorf("%s has %v", text, got)
		}
	}
}
