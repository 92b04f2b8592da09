package server

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const log = `{"verb":"get","objectRef":{"resource":"pipelineruns"}}
{"verb":"get","objectRef":{"resource":"secrets"}}
{"verb":"create","objectRef":{"resource":"taskruns"}}
{"verb":"update","objectRef":{"resource":"customruns","subresource":"status"}}
{"verb":"update","objectRef":{"resource":"customruns","subresource":"status"}}
{"verb":"create","objectRef":{"resource":"events"}}
{"verb":"update","objectRef":{"resource":"leases"}}
{"verb":"watch","objectRef":{"resource":"customruns"}}
{"verb":"list","objectRef":{"resource":"taskruns"}}
{"verb":"get"}
`

func TestCalls(t *testing.T) {
	calls, err := readCalls(strings.NewReader(log + `{"verb":"get","objectRef":{"resou`))
	if err != nil {
		t.Fatal(err)
	}
	if n := calls[Call{"update", "customruns/status"}]; n != 2 {
		t.Errorf("%d writes of a status, want 2", n)
	}
	if writes, reads, events := calls.Count(); writes != 3 || reads != 2 || events != 1 {
		t.Errorf("%d writes, %d reads, %d events; want 3, 2, 1", writes, reads, events)
	}
	if _, err := readCalls(strings.NewReader("no JSON\n")); err == nil {
		t.Error("what is no audit log is read")
	}
}

func TestMinus(t *testing.T) {
	get, create := Call{"get", "secrets"}, Call{"create", "taskruns"}
	got := Calls{get: 5, create: 2}.Minus(Calls{get: 3, create: 2})
	if diff := cmp.Diff(Calls{get: 2}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
