package tenancy

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"knative.dev/pkg/kmeta"
)

// A run of a shared namespace is named <team>--<name>, as config/300-policy-pipelinerun.yaml wants it, and Tekton names a child after it,
// cutting what is too long and putting a hash in its place. No child of one team's run has the name of another team's.
func TestChildNamesStayApart(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	name := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	word := func(most int) string {
		const letters = "abx-1"
		for {
			b := make([]byte, 1+random.IntN(most))
			for i := range b {
				b[i] = letters[random.IntN(len(letters))]
			}
			if s := string(b); name.MatchString(s) {
				return s
			}
		}
	}
	owners := map[string]string{}
	shortened := 0
	for range 200_000 {
		team := word(4)
		if random.IntN(4) == 0 {
			long := strings.Repeat(word(4)+"x", 24)
			team = long[:1+random.IntN(min(len(long), 46))]
			if !name.MatchString(team) {
				continue
			}
		}
		run := team + "--" + word(6)
		if random.IntN(2) == 0 {
			run = (run + strings.Repeat("-"+word(5), 12))
			run = strings.TrimRight(run[:min(len(run), 63)], "-")
		}
		for _, suffix := range []string{"-" + word(5), "-" + word(20), fmt.Sprintf("-%s-%d", word(9), random.IntN(3)), "-" + strings.Repeat("task-", 12) + "x"} {
			child := kmeta.ChildName(run, suffix)
			if child != run+suffix {
				shortened++
			}
			if other, ok := owners[child]; ok && other != team {
				t.Fatalf("seed %d: a child of team %q's run %q has the name %q of team %q's", seed, team, run, child, other)
			}
			owners[child] = team
		}
	}
	if shortened < 10_000 {
		t.Errorf("only %d names were shortened", shortened)
	}
}
