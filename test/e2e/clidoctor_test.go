//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
)

// doctor gives Vault the platform's policy, and then one with a * in the middle.
func (p *platform) doctor(t *testing.T, ctx context.Context) {
	if line := p.doctorLine(ctx, "vault-role"); !strings.Contains(line, " ok ") {
		t.Errorf("with the policy that is rendered: %s", line)
	}
	p.vault.write(t, ctx, starPolicy, p.vault.role)
	defer p.vault.mend(t, ctx)
	if line := p.doctorLine(ctx, "vault-role"); !strings.Contains(line, " failed ") || !strings.Contains(line, "matches only at its end") {
		t.Errorf("with a * in the middle: %s", line)
	}
}

// doctorLine is what doctor prints of one look.
func (p *platform) doctorLine(ctx context.Context, look string) string {
	p.Helper()
	var stderr strings.Builder
	_, stdout := p.start(ctx, &stderr, "doctor")
	for line := range strings.Lines(stdout) {
		if strings.HasPrefix(line, look+" ") {
			return line
		}
	}
	p.Fatalf("doctor says nothing of %s:\n%s%s", look, stdout, stderr.String())
	return ""
}
