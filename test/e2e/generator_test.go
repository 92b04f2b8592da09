//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comptech-lab/quay-push/test/stage"
)

// number reads a number from the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// What nobody listed: objects at random from the API server's own schemas. E2E_SEED repeats a run, E2E_GENERATE makes it longer.
func TestGenerated(t *testing.T) {
	seed, n := number(t, "E2E_SEED", uint64(time.Now().UnixNano())), number(t, "E2E_GENERATE", 5000)
	t.Logf("E2E_SEED=%d E2E_GENERATE=%d", seed, n)
	ctx := within(t, 10*time.Minute+time.Duration(n)*100*time.Millisecond)
	battlefield(t)
	// More than any tenant has, so that it is the policies that refuse.
	grantIn(t, stage.SharedNamespace, attackerAccount, rule("resolution.tekton.dev", "resolutionrequests", "create"))
	grantIn(t, stage.SharedNamespace, attackerAccount, rule("", "pods", "create"))
	all := generated(seed, subjects(t), int(n))
	send(ctx, stage.SharedNamespace, all)
	if err := ctx.Err(); err != nil {
		t.Fatal(err)
	}
	checkAttempts(t, all)
}

// subjects are the kinds in all versions that are served, each with who sends it.
func subjects(t *testing.T) (all []*subject) {
	t.Helper()
	served, err := readSchemas(t.Context(), s.Config)
	if err != nil {
		t.Fatal(err)
	}
	attacker := dynamicAs(t, "system:serviceaccount:"+stage.SharedNamespace+":"+attackerAccount)
	for kind, f := range served {
		if !slices.Contains([]string{"PipelineRun", "TaskRun", "CustomRun", "ResolutionRequest", "Pod"}, kind.Kind) {
			continue
		}
		name := kind.GroupVersion().String() + " " + kind.Kind
		bases := honest[name]
		if bases == nil {
			t.Fatalf("no honest %s to start from", name)
		}
		weight := map[string]int{"PipelineRun": 8}[kind.Kind]
		all = append(all, &subject{name: name, schema: f, honest: bases, client: attacker, weight: max(1, weight)})
	}
	pod := served[schema.GroupVersionKind{Version: "v1", Kind: "Pod"}]
	all = append(all, &subject{name: "v1 Pod by Tekton", schema: pod, honest: honest["v1 Pod"], client: dynamicAs(t, tektonUser), weight: 14})
	slices.SortFunc(all, func(a, b *subject) int { return strings.Compare(a.name, b.name) })
	return all
}

// checkAttempts fails for each object that was let in and reaches what is not the attacker's, and if the objects were none that could.
func checkAttempts(t *testing.T, all []*attempt) {
	t.Helper()
	total := count(all)
	bad := 0
	for _, a := range all {
		if len(judged(a.object.Object)) > 0 {
			bad++
		}
		if a.err != nil {
			continue
		}
		findings := judged(a.admitted.Object)
		if !a.of.mayPass() {
			findings = append(findings, "it is Tekton's to create")
		}
		if len(findings) > 0 {
			document, _ := json.Marshal(a.object)
			t.Errorf("%s was admitted: %s\n%s", a.of.name, strings.Join(findings, "; "), document)
		}
	}
	t.Logf("%d of %d would reach what is not theirs", bad, len(all))
	if bad < len(all)/5 {
		t.Errorf("only %d of %d objects were worth a try", bad, len(all))
	}
	for s, of := range total {
		t.Logf("%-50s %s", s.name, of)
		if s.mayPass() && of.admitted*100 < of.tried*3 || of.policy*100 < of.tried*3 {
			t.Errorf("%s: too few admitted, or refused by a policy, to show something", s.name)
		}
	}
	checkFields(t, all)
}

// checkFields asserts that every field that could name something was tried, and that most came as far as the policies.
func checkFields(t *testing.T, all []*attempt) {
	t.Helper()
	tried, reached := map[*subject]map[string]bool{}, map[*subject]map[string]bool{}
	for _, a := range all {
		if tried[a.of] == nil {
			tried[a.of], reached[a.of] = map[string]bool{}, map[string]bool{}
		}
		addFields(a.object.Object, "", tried[a.of])
		if a.err == nil || byPolicy(a.err) {
			addFields(a.object.Object, "", reached[a.of])
		}
	}
	for of := range tried {
		if !of.mayPass() {
			continue
		}
		without := func(seen map[string]bool) []string {
			return slices.DeleteFunc(of.must(), func(path string) bool { return seen[path] })
		}
		if missing := without(tried[of]); len(missing) > 0 {
			t.Errorf("%s: never tried: %s", of.name, strings.Join(missing, " "))
		}
		stopped := without(reached[of])
		t.Logf("%s: %d fields tried; of %d that could name something %d never came to a policy", of.name, len(tried[of]), len(of.must()), len(stopped))
		if len(stopped)*2 > len(of.must()) {
			t.Errorf("%s: never came to a policy: %s", of.name, strings.Join(stopped, " "))
		}
	}
}

// mayPass reports whether some of its objects are honest. All others are Tekton's alone to create.
func (s *subject) mayPass() bool {
	return strings.HasSuffix(s.name, "PipelineRun") || strings.HasSuffix(s.name, "by Tekton")
}

// must lists the fields without which an object shows nothing: kinds of volumes, what a container has, and what a podTemplate has.
func (s *subject) must() (all []string) {
	for _, place := range [][]string{{"spec", "volumes", "[]"}, {"spec", "containers", "[]"}, {"spec", "initContainers", "[]"}, {"spec", "podTemplate"},
		{"spec", "taskRunTemplate", "podTemplate"}, {"spec", "taskRunSpecs", "[]", "podTemplate"}, {"spec", "taskRunSpecs", "[]", "taskPodTemplate"}} {
		f := s.schema
		for _, step := range place {
			if f != nil && step == "[]" {
				f = f.Items
			} else if f != nil {
				f = f.Properties[step]
			}
		}
		for _, path := range f.paths(4) {
			if len(path) == 1 || naming(append(make([]string, 5), path...)) {
				all = append(all, strings.Join(append(slices.Clone(place), path...), "."))
			}
		}
	}
	return all
}
