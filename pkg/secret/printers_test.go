package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"log/slog"
	"reflect"
	"testing"
	"text/template"

	"github.com/davecgh/go-spew/spew"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// printers are the programs that print what they are given by reflection. What one refuses it does not show.
var printers = map[string]func(v any) string{
	"json": func(v any) string { out, err := json.Marshal(v); return text(out, err) },
	"xml":  func(v any) string { out, err := xml.Marshal(v); return text(out, err) },
	"yaml": func(v any) string { out, err := tryYAML(v); return text(out, err) },
	"yaml of Kubernetes": func(v any) string {
		out, err := kyaml.Marshal(v)
		return text(out, err)
	},
	"gob": func(v any) string {
		var out bytes.Buffer
		err := gob.NewEncoder(&out).Encode(v)
		return text(out.Bytes(), err)
	},
	"slog as text": func(v any) string {
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v, slog.Group("g", "v", v))
		return out.String()
	},
	"slog as JSON": func(v any) string {
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v, slog.Group("g", "v", v))
		return out.String()
	},
	"a template": func(v any) string {
		var out bytes.Buffer
		err := template.Must(template.New("").Parse(`{{.}} {{printf "%#v" .}}`)).Execute(&out, v)
		return text(out.Bytes(), err)
	},
	"spew":                 func(v any) string { return spew.Sdump(v) + spew.Sprintf("%v %+v %#v %#+v", v, v, v, v) },
	"spew without methods": func(v any) string { return (&spew.ConfigState{DisableMethods: true}).Sdump(v) },
	"spew of pointers":     func(v any) string { return (&spew.ConfigState{DisablePointerMethods: true, SpewKeys: true}).Sdump(v) },
	"cmp": func(v any) string {
		all := cmp.Exporter(func(reflect.Type) bool { return true })
		return cmp.Diff(v, nil, all) + cmp.Diff(nil, v, all) + cmp.Diff([]any{v}, []any{secret.New("other")}, all)
	},
	"a walk over all that is reachable": func(v any) string {
		var out bytes.Buffer
		walk(reflect.ValueOf(v), &out, map[uintptr]bool{})
		return out.String()
	},
}

// errRefused is a value that a printer cannot print.
var errRefused = errors.New("refused")

func text(out []byte, err error) string {
	if err != nil {
		return string(out) + err.Error()
	}
	return string(out)
}

// tryYAML makes an error of the panic with which package yaml refuses a func.
func tryYAML(v any) (out []byte, err error) {
	defer func() {
		if recover() != nil {
			out, err = nil, errRefused
		}
	}()
	return yaml.Marshal(v)
}

// walk writes all texts that reflection comes to, in unexported fields too.
func walk(v reflect.Value, out *bytes.Buffer, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.String:
		out.WriteString(v.String() + "\n")
	case reflect.Pointer:
		if !v.IsNil() && !seen[v.Pointer()] {
			seen[v.Pointer()] = true
			walk(v.Elem(), out, seen)
		}
	case reflect.Interface:
		walk(v.Elem(), out, seen)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			walk(v.Index(i), out, seen)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			walk(key, out, seen)
			walk(v.MapIndex(key), out, seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), out, seen)
		}
	}
}

func TestNoPrinterShowsIt(t *testing.T) {
	for kind, all := range values() {
		for shape, v := range all {
			if shape == "reflection" {
				continue // It has the types of package reflect in it, whose pointers lead anywhere.
			}
			for name, show := range printers {
				if form := leak(show(v)); form != "" {
					t.Errorf("%s shows %q of %s of %s", name, form, shape, kind)
				}
			}
		}
	}
}

// Each of them shows a string in a field.
func TestAPrinterShowsAString(t *testing.T) {
	type holder struct{ Token string }
	for name, show := range printers {
		if leak(show(holder{password})) == "" {
			t.Errorf("%s: nothing is found", name)
		}
	}
}

func TestMarshalText(t *testing.T) {
	v := struct {
		Token, None secret.Value
		Left        secret.Value `json:",omitzero" yaml:",omitempty"`
	}{Token: secret.New(password)}
	if got, err := json.Marshal(v); string(got) != `{"Token":"(secret)","None":"(none)"}` || err != nil {
		t.Errorf("JSON is %s, %v", got, err)
	}
	if got, err := yaml.Marshal(v); string(got) != "token: (secret)\nnone: (none)\n" || err != nil {
		t.Errorf("YAML is %q, %v", got, err)
	}
	if err := json.Unmarshal([]byte(`{"Token":"(secret)"}`), &v); err == nil {
		t.Error("the mark was read as a secret")
	}
}
