package strict

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/hostile"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// decoded is what the tests decode into.
type decoded struct {
	Name  string `json:"name"`
	List  []decoded
	Other Unread            `json:"other,omitempty"`
	Map   map[string]string `json:"map"`
	Next  *decoded          `json:"next"`
}

func TestDecode(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	list := func(n int) string { return "[" + strings.Repeat("0,", n-1) + "0]" }
	for _, test := range []struct {
		body  string
		class failure.Class
		text  string
	}{
		{`{"name":"x"}`, failure.Class{}, ""},
		{" \n{\t\"name\" : \"x\" , \"List\" : [ {} , {\"name\":\"y\"} ] ,\r\"map\":{ } }\n", failure.Class{}, ""},
		{`{"name":"\\","map":{"\"":"\\\"","\\":"]}"},"x":[-1.5e+3,true,false,null,"",{}]}`, failure.Class{}, ""},
		{`{"map":{"name":"","Name":"","NAME":""},"x":{"name":"","Name":""},"X":1}`, failure.Class{}, ""},
		{`{"other":{"Name":"","name":""}}`, failure.Class{}, ""},
		{`null`, failure.Class{}, ""},
		{`{"x":` + nested(maxNesting) + `}`, failure.Class{}, ""},
		{`{"x":` + nested(maxNesting+1) + `}`, failure.ClassSourceRefused, "nested more than 32 deep"},
		{`{"next":{"next":` + nested(maxNesting+1) + `}}`, failure.ClassSourceRefused, "nested more than 32 deep"},
		{`{"x":` + list(maxElements) + `}`, failure.Class{}, ""},
		{`{"x":` + list(maxElements+1) + `}`, failure.ClassSourceRefused, "more than 20000 elements"},
		{`{"x":[` + strings.Repeat(list(maxElements-1)+",", 9) + list(maxElements-3) + `]}`, failure.Class{}, ""},
		{`{"x":[` + strings.Repeat(list(maxElements-1)+",", 9) + list(maxElements-2) + `]}`, failure.ClassSourceRefused, "more than 200000 values"},
		{`{"name":"x","name":"x"}`, failure.ClassSourceRefused, `"name" is given twice`},
		{`{"n\u0061me":"x","name":"x"}`, failure.ClassSourceRefused, `"name" is given twice`},
		{`{"Name":"x"}`, failure.ClassSourceRefused, `"Name" differs from "name" only by case`},
		{`{"list":[]}`, failure.ClassSourceRefused, `"list" differs from "List" only by case`},
		{`{"Other":1}`, failure.ClassSourceRefused, `"Other" differs from "other" only by case`},
		{`{"List":[{},{"NAME":1}]}`, failure.ClassSourceRefused, `"NAME" differs`},
		{`{"next":{"next":{"Next":{}}}}`, failure.ClassSourceRefused, `"Next" differs`},
		{`{"map":{"a":"1","a":"2"}}`, failure.ClassSourceRefused, `"a" is given twice`},
		{`{"other":[{"a":1,"a":2}]}`, failure.ClassSourceRefused, `"a" is given twice`},
		{`{"x":{"\ud800":1,"\ud801":2}}`, failure.ClassSourceRefused, "is given twice"},
		{"{\"name\":\"\xff\"}", failure.ClassSourceCorrupt, "not UTF-8"},
		{"\ufeff{}", failure.ClassSourceCorrupt, "invalid character"},
		{`{"name":1}`, failure.ClassSourceCorrupt, "name is a number, want a string"},
		{`{"name":"x"}{}`, failure.ClassSourceCorrupt, "after top-level value"},
		{`{"name":NaN}`, failure.ClassSourceCorrupt, "invalid character"},
		{`{"name":"x"`, failure.ClassSourceCorrupt, "unexpected end"},
		{`{"name":"x",}`, failure.ClassSourceCorrupt, "invalid character"},
		{strings.Repeat(`[`, 2_000_000), failure.ClassSourceCorrupt, "max depth"},
		{``, failure.ClassSourceCorrupt, "unexpected end"},
	} {
		var v decoded
		err := Decode([]byte(test.body), &v, "not this")
		reason, _ := err.(*failure.Error)
		switch {
		case test.class == failure.Class{} && err != nil, test.class != failure.Class{} && (reason == nil || reason.Class != test.class):
			t.Errorf("decoding %.80q = %v, want class %q", test.body, err, test.class.Name)
		case reason != nil && (!strings.HasPrefix(reason.Problem, "not this: ") || !strings.Contains(reason.Problem, test.text) || len(reason.Problem) > 1100):
			t.Errorf("decoding %.80q = %.2000q, want %q", test.body, reason.Problem, test.text)
		}
	}
	var v decoded
	if err := Decode([]byte(`{"name":"a","List":[{"name":"b"}],"map":{"c":"d"},"next":{"name":"e"},"other":"f"}`), &v, ""); err != nil ||
		v.Name != "a" || v.List[0].Name != "b" || v.Map["c"] != "d" || v.Next.Name != "e" {
		t.Errorf("decoded is %+v, %v", v, err)
	}
}

// FuzzDecode decodes anything. What is taken is what a reader of exact names makes of it.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{`{"name":"x","List":[{"name":"y"}]}`, `{"Name":"x","name":"y"}`, `{"n\u0061me":1}`, `{"map":{"a":"\ud83d\ude00"},"x":[[{}]]}`, `null`, `{"next":null}`, `[1]`, `{"other":{},"list":[]}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var v decoded
		err := Decode(body, &v, "not this")
		hostile.Classed(t, err)
		if err != nil {
			return
		}
		var exact any
		if err := json.Unmarshal(body, &exact); err != nil {
			t.Fatalf("what is no JSON was taken: %v", err)
		}
		v.compare(t, exact)
	})
}

// compare holds what was decoded against the same by its exact names.
func (d decoded) compare(t *testing.T, exact any) {
	t.Helper()
	fields, _ := exact.(map[string]any)
	if name, _ := fields["name"].(string); name != d.Name {
		t.Errorf("the name is %q, not %q", d.Name, name)
	}
	list, _ := fields["List"].([]any)
	if len(list) != len(d.List) {
		t.Fatalf("the list has %d elements, not %d", len(d.List), len(list))
	}
	for i, element := range list {
		d.List[i].compare(t, element)
	}
	texts, _ := fields["map"].(map[string]any)
	if len(texts) != len(d.Map) {
		t.Errorf("the map is %q, not %q", d.Map, texts)
	}
	if next := fields["next"]; (next != nil) != (d.Next != nil) {
		t.Errorf("next is %v, not %v", d.Next, next)
	} else if next != nil {
		d.Next.compare(t, next)
	}
}
