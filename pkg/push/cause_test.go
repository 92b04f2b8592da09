package push_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// cause is one way to a failure: what makes it, and what a person reads of it.
type cause struct {
	name string
	// set makes the push of f fail; f has a good layout, a good credential and a good registry.
	set func(f *fixture)
	// class is the failure's. problem, proof and next are parts of what is said.
	class                failure.Class
	problem, proof, next string
}

// causes are all of them: each failure with each cause that leads there, and the next step that fits it.
var causes = slices.Concat(usageCauses, credentialCauses, certificateCauses, redirectCauses, networkCauses, answerCauses, tagCauses, contentCauses,
	sourceCauses, remoteCauses, blobCauses, boundCauses, partCauses, frontCauses, tokenCauses, federatedCauses,
	gateCauses)

// Who reads why a push failed learns what is wrong, by what that is proved, and a next step that helps.
func TestCauses(t *testing.T) {
	for _, c := range causes {
		t.Run(c.class.Name+"/"+c.name, func(t *testing.T) {
			f := newFixture(t)
			c.set(f)
			_, err := push.Push(context.Background(), f.opts)
			reason, ok := err.(*failure.Error)
			if !ok || reason.Class != c.class {
				t.Fatalf("pushing = %v, want class %s", err, c.class.Name)
			}
			proof := reason.Proof
			if proof == "" && reason.Err != nil {
				proof = reason.Err.Error()
			}
			for _, said := range []struct{ what, got, want string }{{"problem", reason.Problem, c.problem}, {"proof", proof, c.proof}, {"next step", reason.Next, c.next}} {
				if !strings.Contains(said.got, strings.ReplaceAll(said.want, "HOST", f.Host())) {
					t.Errorf("the %s is %q, want %q in it", said.what, said.got, said.want)
				}
			}
			checkWords(t, f, reason, proof)
		})
	}
}

// checkWords checks what is true of each error.
func checkWords(t *testing.T, f *fixture, reason *failure.Error, proof string) {
	t.Helper()
	all := reason.Problem + "\n" + proof + "\n" + reason.Next
	if strings.Contains(all, "must not") {
		t.Errorf("a lack of permission is told as a prohibition: %s", all)
	}
	if strings.Contains(all, ",,") {
		t.Errorf("a comma is there twice: %s", all)
	}
	if strings.Contains(all, f.token) {
		t.Errorf("the token is in %s", all)
	}
	if strings.ContainsFunc(reason.Problem+proof+reason.Next, func(r rune) bool { return r < ' ' }) {
		t.Errorf("a control character is in %q", all)
	}
	if reason.Next == "" || len(all) > 2500 {
		t.Errorf("there is no next step, or %d bytes of words: %s", len(all), all)
	}
}

// Every class has its causes, but for the ones that no input leads to.
func TestEveryClassHasACause(t *testing.T) {
	elsewhere := map[failure.Class]string{failure.ClassInternal: "nobody knows one", failure.ClassCancelled: "TestCancel"}
	for _, class := range failure.Classes {
		has := slices.ContainsFunc(causes, func(c cause) bool { return c.class == class })
		if _, known := elsewhere[class]; has == known {
			t.Errorf("class %s is in the table: %v", class.Name, has)
		}
	}
}

// play makes requests end in effect, from now on.
func play(method, path string, effect quaytest.Effect) func(f *fixture) {
	return func(f *fixture) {
		f.Faults.Add(quaytest.Fault{Name: "cause", Method: method, Path: path, Times: -1, Effect: effect})
	}
}

// after is play but for the first few of the requests.
func after(few int, method, path string, effect quaytest.Effect) func(f *fixture) {
	return func(f *fixture) {
		f.Faults.Add(quaytest.Fault{Name: "cause", Method: method, Path: path, Nth: few + 1, Times: -1, Effect: effect})
	}
}

// says is an answer as Quay's registry gives it.
func says(status int, code, message string) quaytest.Effect {
	return quaytest.Status(status, http.Header{"Content-Type": {"application/json"}}, `{"errors":[{"code":"`+code+`","message":"`+message+`"}]}`)
}

// webPage is an answer of something in front of Quay.
func webPage(status int) quaytest.Effect {
	return quaytest.Status(status, http.Header{"Content-Type": {"text/html"}, "Server": {"BigIP"}}, "<html><title>Request Rejected</title>Your support ID is 1234.\x1b</html>")
}
