package quaytest_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// difference is one between what Quay answered and what quaytest did: where it is, and what it is.
type difference struct{ at, why string }

// compared are the headers that count. Quay tells the others at its web server's pleasure.
var compared = []string{"content-type", "www-authenticate", "location", "docker-content-digest", "docker-upload-uuid",
	"docker-distribution-api-version", "range", "oci-subject", "oci-filters-applied", "allow", "retry-after", "link",
	"cache-control", "content-length", "x-sparse-manifest-support"}

// differences lists how got differs from want.
func differences(want, got recorded) []difference {
	found := []difference{}
	add := func(at string, want, got any) {
		found = append(found, difference{at, fmt.Sprintf("Quay has %s, quaytest %s", short(want), short(got))})
	}
	if want.Status != got.Status {
		add("status", want.Status, got.Status)
	}
	for _, name := range compared {
		if name == "content-length" && (want.JSON != nil || got.JSON != nil || strings.Contains(want.Text, "HOST")) {
			continue
		}
		if w, g := header(name, want.Headers[name]), header(name, got.Headers[name]); w != g {
			add("header "+name, w, g)
		}
	}
	// What the web page asks first is long, and tools want only parts of it.
	if !slices.Contains([]string{"discovery", "config"}, want.ID) {
		walk("body", normal(want.JSON), normal(got.JSON), add)
		if w, g := normal(want.Text), normal(got.Text); w != g {
			add("text", w, g)
		}
	}
	walk("jwt", normal(want.JWT), normal(got.JWT), add)
	return found
}

// header is a header without what differs each time. Allow names a set.
func header(name, value string) string {
	if name == "allow" {
		methods := strings.Split(value, ", ")
		slices.Sort(methods)
		return strings.Join(methods, ", ")
	}
	return normal(value).(string)
}

// moments are the members that are different each time, by name or by the end of it.
var moments = regexp.MustCompile(`(_ts|\.exp|\.iat|\.nbf|\.kid|\.next_page|\.oauth_token_id|\.oauth_token_application(_id)?)$`)

// walk compares two values that were made normal.
func walk(at string, want, got any, add func(at string, want, got any)) {
	w, isObject := want.(map[string]any)
	g, both := got.(map[string]any)
	if isObject && both {
		for _, key := range keys(w, g) {
			if key == "detail" && w["error_message"] != nil && g["error_message"] != nil {
				continue
			}
			a, inWant := w[key]
			b, inGot := g[key]
			if inWant != inGot {
				add(at+"."+key, a, b)
				continue
			}
			walk(at+"."+key, a, b, add)
		}
		return
	}
	ws, isList := want.([]any)
	gs, both := got.([]any)
	if isList && both && len(ws) == len(gs) {
		for i := range ws {
			walk(fmt.Sprintf("%s[%d]", at, i), ws[i], gs[i], add)
		}
		return
	}
	if reflect.TypeOf(want) == reflect.TypeOf(got) && (moments.MatchString(at) || reflect.DeepEqual(want, got)) {
		return
	}
	add(at, want, got)
}

// keys are those of both objects, in order.
func keys(a, b map[string]any) []string {
	all := []string{}
	for key := range a {
		all = append(all, key)
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			all = append(all, key)
		}
	}
	slices.Sort(all)
	return all
}

// masks hide what is different each time.
var masks = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`(?s)\n\nFailed validating.*`), ""},
	{regexp.MustCompile(`127\.0\.0\.1:[0-9]+`), "HOST"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`), "JWT"},
	{regexp.MustCompile(`\b[A-Z0-9]{40,64}\b`), "TOKEN"},
	{regexp.MustCompile(`(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} [\d:]{8} [-+]\d{4}`), "DATE"},
}

// normal is v without what is different each time, and with its lists in an order of their own.
func normal(v any) any {
	switch v := v.(type) {
	case string:
		for _, m := range masks {
			v = m.pattern.ReplaceAllString(v, m.text)
		}
		return v
	case []any:
		list := []any{}
		for _, item := range v {
			list = append(list, normal(item))
		}
		slices.SortStableFunc(list, func(a, b any) int { return strings.Compare(order(a), order(b)) })
		return list
	case map[string]any:
		object := map[string]any{}
		for key, item := range v {
			if key != "avatar" {
				object[key] = normal(item)
			}
		}
		return object
	}
	return v
}

// order is what a list is sorted by: of objects only the name, the role and the beginning.
func order(v any) string {
	if object, ok := v.(map[string]any); ok {
		return fmt.Sprint(object["name"], " ", object["role"], " ", object["start_ts"])
	}
	return fmt.Sprint(v)
}

// short is a value as JSON, cut.
func short(v any) string {
	data, _ := json.Marshal(v) // It came from JSON.
	if len(data) > 300 {
		return string(data[:300]) + "…"
	}
	return string(data)
}
