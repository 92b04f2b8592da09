package request

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

func asking(severity, fixableOnly, unsupported string) Request {
	return Request{Params: map[string]string{"gate": severity, "gate-fixable-only": fixableOnly, "gate-unsupported": unsupported}}
}

// A run may be stricter than its team's floor, in each of the three, and laxer in none.
func TestGate(t *testing.T) {
	none, high, lax := verdict.Policy{}, verdict.Policy{Threshold: verdict.High}, verdict.Policy{Threshold: verdict.Critical, FixableOnly: true, PassUnsupported: true}
	for _, test := range []struct {
		request Request
		floor   verdict.Policy
		want    string
	}{
		{asking("", "", ""), none, "none"}, {asking("", "true", "pass"), none, "none"},
		{asking("medium", "", ""), none, "medium"}, {asking("medium", "true", "pass"), none, "medium+fixable-only+unsupported-pass"},
		{asking("", "", ""), high, "high"}, {asking("", "true", "pass"), high, "high"}, {asking("critical", "true", "pass"), high, "high"},
		{asking("low", "true", ""), high, "low"}, {asking("low", "", ""), high, "low"},
		{asking("", "", ""), lax, "critical+fixable-only+unsupported-pass"}, {asking("", "false", ""), lax, "critical+unsupported-pass"},
		{asking("", "", "fail"), lax, "critical+fixable-only"}, {asking("", "false", "fail"), lax, "critical"},
		{asking("high", "true", "pass"), lax, "high+fixable-only+unsupported-pass"},
		// Who names a severity gets what the Task would do with it.
		{asking("high", "", ""), lax, "high"}, {asking("critical", "", ""), lax, "critical"},
	} {
		if got := test.request.Gate(test.floor).String(); got != test.want {
			t.Errorf("%v over the floor %v is %s, want %s", test.request.Params, test.floor, got, test.want)
		}
	}
}

// The verdict may take no longer than leaves Tekton's time for the rest.
func TestGateArguments(t *testing.T) {
	p := verdict.Policy{Threshold: verdict.High, FixableOnly: true}
	for _, test := range []struct {
		given string
		limit time.Duration
		want  string
	}{
		{"", 0, "45m0s"}, {"", time.Hour, "45m0s"}, {"", 20 * time.Minute, "15m0s"}, {"30m", time.Hour, "30m0s"}, {"2h", time.Hour, "45m0s"}, {"2h", 0, "2h0m0s"},
	} {
		got := Request{Params: map[string]string{"gate-timeout": test.given}}.GateArguments(p, test.limit)
		want := map[string]string{"gate": "high", "gate-fixable-only": "true", "gate-unsupported": "fail", "gate-timeout": test.want}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q in %v:\n%s", test.given, test.limit, diff)
		}
	}
	p.PassUnsupported = true
	if got := (Request{}).GateArguments(p, 0)["gate-unsupported"]; got != "pass" {
		t.Errorf("gate-unsupported is %q", got)
	}
	if got := (Request{}).GateArguments(verdict.Policy{}, time.Hour); got != nil {
		t.Errorf("without a gate there are %v", got)
	}
}

func TestGateIsChecked(t *testing.T) {
	for _, test := range []struct{ name, value, says string }{
		{"gate", "none", `param "gate": "none" is no severity of a gate: negligible, low, medium, high, critical; leave it empty for your team's floor`},
		{"gate", "HIGH", `"HIGH" is no severity`},
		{"gate-fixable-only", "yes", `param "gate-fixable-only" is "yes"; write true or false`},
		{"gate-unsupported", "ignore", `param "gate-unsupported": "ignore" is not fail or pass`},
		{"gate-timeout", "soon", `param "gate-timeout" is "soon"; write a time of up to 24h, such as 30m`},
		{"gate-timeout", "0", `write a time`}, {"gate-timeout", "-5m", `write a time`}, {"gate-timeout", "25h", `write a time`},
	} {
		_, err := Read(newRun(v1alpha1.KindPushImage, give(test.name, test.value)))
		if refused := (*customrun.Failure)(nil); !errors.As(err, &refused) || refused.Reason != v1alpha1.ReasonInvalidParams || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s %q: %v, want %s", test.name, test.value, err, test.says)
		}
		if _, err := Read(newRun(v1alpha1.KindResolveTenant, give(test.name, test.value))); err == nil || !strings.Contains(err.Error(), "ResolveTenant has no param") {
			t.Errorf("ResolveTenant with %s: %v", test.name, err)
		}
	}
	for name, values := range map[string][]string{"gate": {"", "critical"}, "gate-fixable-only": {"", "true", "false"}, "gate-unsupported": {"", "pass", "fail"}, "gate-timeout": {"", "90s", "24h"}} {
		for _, value := range values {
			if _, err := Read(newRun(v1alpha1.KindPushImage, give(name, value))); err != nil {
				t.Errorf("%s %q: %v", name, value, err)
			}
		}
	}
}

// Who says how a gate is to be, and has none, is told so; a floor is one.
func TestGateIsMeant(t *testing.T) {
	none, high := verdict.Policy{}, verdict.Policy{Threshold: verdict.High}
	for _, test := range []struct {
		request Request
		floor   verdict.Policy
		refused bool
	}{
		{asking("", "true", ""), none, true}, {asking("", "", "pass"), none, true}, {asking("", "true", "pass"), none, true},
		{asking("", "", ""), none, false}, {asking("", "false", "fail"), none, false}, {asking("low", "true", "pass"), none, false}, {asking("", "true", "pass"), high, false},
	} {
		err := test.request.CheckGated(test.floor)
		if refused := (*customrun.Failure)(nil); test.refused != errors.As(err, &refused) || refused != nil && refused.Reason != v1alpha1.ReasonInvalidParams {
			t.Errorf("%v over the floor %v: %v", test.request.Params, test.floor, err)
		}
	}
}
