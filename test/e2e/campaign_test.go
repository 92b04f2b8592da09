//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

// subject is what objects of one kind are built from, and who sends them.
type subject struct {
	name   string
	schema *field
	honest []string
	client dynamic.Interface
	weight int
	// wanted are the fields that are tried before others, in turn.
	wanted [][]string
	next   int
}

// attempt is one object, and what the API server said.
type attempt struct {
	of       *subject
	object   *unstructured.Unstructured
	admitted *unstructured.Unstructured
	err      error
}

// naming reports whether a field could name a Secret, an account or a claim, or is one of the few that say what the object is.
func naming(path []string) bool {
	last := strings.ToLower(path[len(path)-1])
	return len(path) <= 5 || slices.ContainsFunc([]string{"secret", "serviceaccount", "claim", "configmap", "host"}, func(part string) bool { return strings.Contains(last, part) })
}

// want lists the fields of the spec that are tried first, in the order of chance.
func (s *subject) want(m maker) {
	for _, path := range s.schema.Properties["spec"].paths(8) {
		path = append([]string{"spec"}, path...)
		// An ephemeral container is never created with its Pod.
		if naming(path) && path[1] != "ephemeralContainers" && !slices.Contains(path[2:], "pipelineSpec") && !slices.Contains(path[2:], "taskSpec") {
			s.wanted = append(s.wanted, path)
		}
	}
	m.Shuffle(len(s.wanted), func(i, k int) { s.wanted[i], s.wanted[k] = s.wanted[k], s.wanted[i] })
}

// somewhere returns a path below f, each of its steps as likely as its neighbours.
func (m maker) somewhere(f *field) (path []string) {
	for f != nil && len(path) < 9 {
		steps := slices.Sorted(maps.Keys(f.Properties))
		switch {
		case f.Items != nil:
			steps, f = []string{"[]"}, &field{Properties: map[string]*field{"[]": f.Items}}
		case f.Values != nil:
			steps, f = []string{"*"}, &field{Properties: map[string]*field{"*": f.Values}}
		}
		if len(steps) == 0 || len(path) > 1 && m.IntN(4) == 0 {
			break
		}
		step := pick(m, steps)
		path, f = append(path, step), f.Properties[step]
	}
	return path
}

// attempt builds the next object: an honest one with some fields more, or, one time in ten, nothing but chance.
func (m maker) attempt(s *subject) *attempt {
	made := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(pick(m, s.honest)), made); err != nil {
		panic(err)
	}
	if m.IntN(10) == 0 {
		made.Object["spec"] = m.value(s.schema.Properties["spec"], []string{"spec"}, 6)
		return &attempt{of: s, object: made}
	}
	for i := range pick(m, []int{1, 1, 1, 2, 3, 4}) {
		var path []string
		switch {
		case i == 0:
			path = s.wanted[s.next%len(s.wanted)]
			s.next++
		case m.IntN(4) == 0:
			path = append([]string{"metadata"}, m.somewhere(s.schema.Properties["metadata"])...)
		default:
			path = append([]string{"spec"}, m.somewhere(s.schema.Properties["spec"])...)
		}
		made.Object = m.put(made.Object, s.schema, path, nil).(map[string]any)
	}
	return &attempt{of: s, object: made}
}

// generated makes n objects: the same ones for the same seed.
func generated(seed uint64, subjects []*subject, n int) (all []*attempt) {
	m := maker{rand.New(rand.NewPCG(seed, 0))}
	var drum []*subject
	for _, s := range subjects {
		s.want(m)
		drum = append(drum, slices.Repeat([]*subject{s}, s.weight)...)
	}
	for range n {
		all = append(all, m.attempt(pick(m, drum)))
	}
	return all
}

// send asks for every object as a dry run, eight at a time.
func send(ctx context.Context, namespace string, all []*attempt) {
	next := make(chan *attempt)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for a := range next {
				a.admitted, a.err = a.of.client.Resource(kindOf(a.object)).Namespace(namespace).
					Create(ctx, a.object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			}
		})
	}
	for _, a := range all {
		next <- a
	}
	close(next)
	workers.Wait()
}

// tally is what became of the objects of one subject.
type tally struct{ tried, admitted, policy, other int }

func (t tally) String() string {
	return fmt.Sprintf("%5d tried, %5d admitted, %5d refused by a policy, %5d by others", t.tried, t.admitted, t.policy, t.other)
}

// byPolicy reports whether it is a policy of ours that refused.
func byPolicy(err error) bool {
	return strings.Contains(err.Error(), "ValidatingAdmissionPolicy") && strings.Contains(err.Error(), ".quay.comptech-lab.com")
}

func count(all []*attempt) map[*subject]*tally {
	total := map[*subject]*tally{}
	for _, a := range all {
		of := total[a.of]
		if of == nil {
			of = &tally{}
			total[a.of] = of
		}
		of.tried++
		switch {
		case a.err == nil:
			of.admitted++
		case byPolicy(a.err):
			of.policy++
		default:
			of.other++
		}
	}
	return total
}

// addFields adds the paths of all fields of an object to seen.
func addFields(value any, path string, seen map[string]bool) {
	seen[path] = true
	switch value := value.(type) {
	case map[string]any:
		for name := range value {
			addFields(value[name], strings.TrimPrefix(path+"."+name, "."), seen)
		}
	case []any:
		for _, element := range value {
			addFields(element, path+".[]", seen)
		}
	}
}
