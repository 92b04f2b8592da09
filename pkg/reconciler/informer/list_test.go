package informer

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	corev1 "k8s.io/api/core/v1"
)

// read returns the names of the items in a list.
func read(body string) (names, token string, err error) {
	var meta metav1.ListMeta
	err = readList(strings.NewReader(body), &meta, func(item json.RawMessage) error {
		var object corev1.ConfigMap
		if err := decode(item, &object); err != nil {
			return err
		}
		names += object.Name + " "
		return nil
	})
	return names, meta.ResourceVersion + meta.Continue, err
}

func TestReadList(t *testing.T) {
	for body, want := range map[string][2]string{
		`{"kind":"List","metadata":{"resourceVersion":"7","continue":"c"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}`: {"a b ", "7c"},
		`{"items":[{"metadata":{"name":"a"}}],"metadata":{"resourceVersion":"7"}}`:                                                        {"a ", "7"},
		`{"items":null,"metadata":{"resourceVersion":"7"}}`:                                                                               {"", "7"},
		`{"items":[],"metadata":{}}`: {"", ""},
		// The names of fields tell apart what differs in case, as in an event.
		`{"items":[{"metadata":{"name":"a","Name":"b"},"Metadata":{"name":"c"}}],"Items":[{"metadata":{"name":"d"}}]}`: {"a ", ""},
	} {
		names, token, err := read(body)
		if names != want[0] || token != want[1] || err != nil {
			t.Errorf("%s: %q, %q, %v", body, names, token, err)
		}
	}
}

// Who takes a part for the whole takes the rest for deleted.
func TestReadListOfAPart(t *testing.T) {
	const whole = `{"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}`
	if _, _, err := read(whole); err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		if _, _, err := read(whole[:n]); err == nil {
			t.Errorf("%s is a list", whole[:n])
		}
	}
	for _, body := range []string{`[]`, `{"items":{}}`, `{"items":[1]}`, `{"metadata":1,"items":[]}`, `{"items":[{"metadata":{"name":1}}]}`} {
		if _, _, err := read(body); err == nil {
			t.Errorf("%s is a list", body)
		}
	}
	if _, _, err := read(``); err != io.ErrUnexpectedEOF {
		t.Errorf("nothing: %v", err)
	}
}

func TestKeepEvent(t *testing.T) {
	keep := func(c *corev1.ConfigMap) (*corev1.ConfigMap, bool) { return c, c.Name == "ours" }
	configMap := func(name string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
	}
	for _, test := range []struct {
		event watch.Event
		want  watch.EventType // empty: left out
	}{
		{watch.Event{Type: watch.Added, Object: configMap("ours")}, watch.Added},
		{watch.Event{Type: watch.Modified, Object: configMap("ours")}, watch.Modified},
		{watch.Event{Type: watch.Deleted, Object: configMap("ours")}, watch.Deleted},
		{watch.Event{Type: watch.Added, Object: configMap("other")}, ""},
		{watch.Event{Type: watch.Modified, Object: configMap("other")}, watch.Deleted},
		{watch.Event{Type: watch.Deleted, Object: configMap("other")}, watch.Deleted},
		{watch.Event{Type: watch.Bookmark, Object: configMap("")}, watch.Bookmark},
		{watch.Event{Type: watch.Error, Object: &metav1.Status{}}, watch.Error},
	} {
		got, passed := keepEvent(test.event, keep)
		if passed != (test.want != "") || passed && got.Type != test.want {
			t.Errorf("%s %+v: passed %v as %s", test.event.Type, test.event.Object, passed, got.Type)
		}
	}
}
