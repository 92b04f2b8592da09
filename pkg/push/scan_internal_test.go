package push

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// decoded is what the tests decode into.
type decoded struct {
	Name  string `json:"name"`
	List  []decoded
	Other unread            `json:"other,omitempty"`
	Map   map[string]string `json:"map"`
	Next  *decoded          `json:"next"`
}

func TestDecode(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	list := func(n int) string { return "[" + strings.Repeat("0,", n-1) + "0]" }
	for _, test := range []struct {
		body  string
		class Class
		text  string
	}{
		{`{"name":"x"}`, Class{}, ""},
		{" \n{\t\"name\" : \"x\" , \"List\" : [ {} , {\"name\":\"y\"} ] ,\r\"map\":{ } }\n", Class{}, ""},
		{`{"name":"\\","map":{"\"":"\\\"","\\":"]}"},"x":[-1.5e+3,true,false,null,"",{}]}`, Class{}, ""},
		{`{"map":{"name":"","Name":"","NAME":""},"x":{"name":"","Name":""},"X":1}`, Class{}, ""},
		{`{"other":{"Name":"","name":""}}`, Class{}, ""},
		{`null`, Class{}, ""},
		{`{"x":` + nested(maxNesting) + `}`, Class{}, ""},
		{`{"x":` + nested(maxNesting+1) + `}`, ClassSourceRefused, "nested more than 32 deep"},
		{`{"next":{"next":` + nested(maxNesting+1) + `}}`, ClassSourceRefused, "nested more than 32 deep"},
		{`{"x":` + list(maxElements) + `}`, Class{}, ""},
		{`{"x":` + list(maxElements+1) + `}`, ClassSourceRefused, "more than 20000 elements"},
		{`{"x":[` + strings.Repeat(list(maxElements-1)+",", 9) + list(maxElements-3) + `]}`, Class{}, ""},
		{`{"x":[` + strings.Repeat(list(maxElements-1)+",", 9) + list(maxElements-2) + `]}`, ClassSourceRefused, "more than 200000 values"},
		{`{"name":"x","name":"x"}`, ClassSourceRefused, `"name" is given twice`},
		{`{"n\u0061me":"x","name":"x"}`, ClassSourceRefused, `"name" is given twice`},
		{`{"Name":"x"}`, ClassSourceRefused, `"Name" differs from "name" only by case`},
		{`{"list":[]}`, ClassSourceRefused, `"list" differs from "List" only by case`},
		{`{"Other":1}`, ClassSourceRefused, `"Other" differs from "other" only by case`},
		{`{"List":[{},{"NAME":1}]}`, ClassSourceRefused, `"NAME" differs`},
		{`{"next":{"next":{"Next":{}}}}`, ClassSourceRefused, `"Next" differs`},
		{`{"map":{"a":"1","a":"2"}}`, ClassSourceRefused, `"a" is given twice`},
		{`{"other":[{"a":1,"a":2}]}`, ClassSourceRefused, `"a" is given twice`},
		{`{"x":{"\ud800":1,"\ud801":2}}`, ClassSourceRefused, "is given twice"},
		{"{\"name\":\"\xff\"}", ClassSourceCorrupt, "not UTF-8"},
		{"\ufeff{}", ClassSourceCorrupt, "invalid character"},
		{`{"name":1}`, ClassSourceCorrupt, "name is a number, want a string"},
		{`{"name":"x"}{}`, ClassSourceCorrupt, "after top-level value"},
		{`{"name":NaN}`, ClassSourceCorrupt, "invalid character"},
		{`{"name":"x"`, ClassSourceCorrupt, "unexpected end"},
		{`{"name":"x",}`, ClassSourceCorrupt, "invalid character"},
		{strings.Repeat(`[`, 2_000_000), ClassSourceCorrupt, "max depth"},
		{``, ClassSourceCorrupt, "unexpected end"},
	} {
		var v decoded
		err := decode([]byte(test.body), &v, "not this")
		failure, _ := err.(*Error)
		switch {
		case test.class == Class{} && err != nil, test.class != Class{} && (failure == nil || failure.Class != test.class):
			t.Errorf("decoding %.80q = %v, want class %q", test.body, err, test.class.Name)
		case failure != nil && (!strings.HasPrefix(failure.Problem, "not this: ") || !strings.Contains(failure.Problem, test.text) || len(failure.Problem) > 1100):
			t.Errorf("decoding %.80q = %.2000q, want %q", test.body, failure.Problem, test.text)
		}
	}
	var v decoded
	if err := decode([]byte(`{"name":"a","List":[{"name":"b"}],"map":{"c":"d"},"next":{"name":"e"},"other":"f"}`), &v, ""); err != nil ||
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
		err := decode(body, &v, "not this")
		classed(t, err)
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

// A document of 4 MiB takes a small part of what its values would take, wherever it comes from.
func TestDecodingTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("megabytes of small values are decoded")
	}
	const size, most = 4 << 20, 24 << 20
	fill := func(start, element, end string) []byte {
		return []byte(start + strings.Repeat(element+",", (size-len(start)-len(end))/(len(element)+1)-1) + element + end)
	}
	image := func(body []byte) bool { _, err := parseDocument(types.OCIManifestSchema1, body); return err == nil }
	for name, test := range map[string]struct {
		body []byte
		read func(body []byte) bool
	}{
		"layers":           {fill(`{"schemaVersion":2,"layers":[`, `{}`, `]}`), image},
		"manifests":        {fill(`{"schemaVersion":2,"manifests":[`, `{}`, `]}`), image},
		"annotations":      {fill(`{"schemaVersion":2,"config":{"annotations":{`, `"":""`, `}}}`), image},
		"one long text":    {fill(`{"schemaVersion":2,"mediaType":"`, `xxxxxxxxx`, `"}`), image},
		"errors":           {fill(`{"errors":[`, `{}`, `]}`), func(body []byte) bool { return (&answer{body: body, header: http.Header{}}).err().code != "" }},
		"details":          {fill(`{"errors":[{"code":"X","detail":[`, `[]`, `]}]}`), func(body []byte) bool { return (&answer{body: body, header: http.Header{}}).err().code != "" }},
		"a token's rights": {fill(`{"access":[`, `{}`, `]}`), func(body []byte) bool { var c claims; return decode(body, &c, "") == nil }},
		"a token":          {fill(`{"x":[`, `0`, `],"token":"x"}`), func(body []byte) bool { _, err := parseToken(body, time.Now()); return err == nil }},
		"a config":         {fill(`{"rootfs":{"diff_ids":[`, `null`, `]}}`), func(body []byte) bool { return decode(body, &imageConfig{}, "") == nil }},
		"saved images":     {fill(`[`, `{}`, `]`), func(body []byte) bool { return decode(body, &[]savedImage{}, "") == nil }},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		ok := test.read(test.body)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; ok || took > most {
			t.Errorf("%s: taken is %v, and it took %d bytes, more than %d", name, ok, took, most)
		}
	}
}

// An image of the most layers is taken.
func TestLargestManifest(t *testing.T) {
	layer := `{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":3,"digest":"sha256:` + strings.Repeat("0", 64) + `","annotations":{"a":"b"}}`
	body := []byte(emptyConfig + `,"layers":[` + strings.Repeat(layer+",", maxBlobs-1) + layer + `]}`)
	if len(body) > maxManifest {
		t.Fatalf("the manifest has %d bytes", len(body))
	}
	doc, err := parseDocument(types.OCIManifestSchema1, body)
	if err != nil || len(doc.Layers) != maxBlobs || len(doc.blobs()) != maxBlobs+1 {
		t.Errorf("%d layers, %v", len(doc.Layers), err)
	}
}

// An image may not name more than is set aside for, in how many manifests ever.
func TestManyReferences(t *testing.T) {
	if testing.Short() {
		t.Skip("documents with many references are made")
	}
	m := memory{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	layer := marshal(m.add(types.OCILayer, []byte("x")))
	m.add("", []byte("{}"))
	images := []string{}
	for n := range 3 {
		body := fmt.Sprintf(`%s,"x":%d,"layers":[%s%s]}`, emptyConfig, n, strings.Repeat(string(layer)+",", maxReferences/3-1), layer)
		images = append(images, string(marshal(m.add(types.OCIManifestSchema1, []byte(body)))))
		index := m.add(types.OCIImageIndex, []byte(`{"schemaVersion":2,"manifests":[`+strings.Join(images, ",")+`]}`))
		m["index.json"] = []byte(`{"manifests":[` + string(marshal(index)) + `]}`)
		s, err := newLayout(&pusher{log: slog.New(slog.DiscardHandler)}, m, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = readImage(t.Context(), s)
		if refused := err != nil && strings.Contains(err.Error(), "name more than 40000"); refused != (n == 2) {
			t.Errorf("%d manifests: %v", n+1, err)
		}
	}
}
