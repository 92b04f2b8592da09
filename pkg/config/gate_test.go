package config

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/comptech-lab/quay-push/pkg/push/verdict"
)

// A team has its own floor where there is one, be it laxer, and else that of all.
func TestGateOf(t *testing.T) {
	c, err := FromConfigMap(&corev1.ConfigMap{Data: map[string]string{
		"gate": "high", "team-gates": "payments=low,\n kiosk=critical+fixable-only+unsupported-pass lab=none"}})
	if err != nil {
		t.Fatal(err)
	}
	for team, want := range map[string]verdict.Policy{
		"payments": {Threshold: verdict.Low}, "kiosk": {Threshold: verdict.Critical, FixableOnly: true, PassUnsupported: true}, "lab": {}, "other": {Threshold: verdict.High},
	} {
		if got := c.GateOf(team); got != want {
			t.Errorf("team %s has %v, want %v", team, got, want)
		}
	}
	if got := Default().GateOf("payments"); got != (verdict.Policy{}) {
		t.Errorf("where nothing is said there is %v", got)
	}
	if got := (&Config{Gate: "hihg"}).GateOf("payments"); got != (verdict.Policy{Threshold: verdict.Negligible}) {
		t.Errorf("a mistake that nobody checked is %v", got)
	}
}

func TestGatesAreChecked(t *testing.T) {
	for says, data := range map[string]map[string]string{
		`gate: "hihg" is no severity of a gate: negligible`:                                {"gate": "hihg"},
		`gate: "high+fixable" is no gate`:                                                  {"gate": "high+fixable"},
		`team-gates: "payments=hihg": "hihg" is no severity`:                               {"team-gates": "payments=hihg"},
		`team-gates: "payments" is not <team>=<gate>`:                                      {"team-gates": "payments"},
		`team-gates: "payments=" is not <team>=<gate>`:                                     {"team-gates": "payments="},
		`team-gates: "=high" is not <team>=<gate>`:                                         {"team-gates": "=high"},
		`team-gates: team "payments" is there twice`:                                       {"team-gates": "payments=high payments=low"},
		`team-gates: "team-payments=high" does not name a team as results do`:              {"team-gates": "team-payments=high"},
		`team-gates: "Pay=high" does not name a team as results do, such as payments`:      {"team-gates": "Pay=high"},
		`team-gates: "payments=high=low": "high=low" is no severity of a gate: negligible`: {"team-gates": "payments=high=low"},
	} {
		if _, err := FromConfigMap(&corev1.ConfigMap{Data: data}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %s", data, err, says)
		}
	}
}
