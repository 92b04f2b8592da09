//go:build e2e

package e2e

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/cli"
)

// report has the page of all teams made, on which both teams are right, with the age of their tokens; start looks for the tokens
// themselves. Teams that other tests left may be wrong, or not be asked about.
func (p *platform) report(t *testing.T, ctx context.Context) {
	var stderr strings.Builder
	exit, page := p.start(ctx, &stderr, "report", "--html", "-", "--since", "1h")
	if exit != cli.ExitOK && exit != cli.ExitNotRead {
		t.Fatalf("exit %d\n%s", exit, stderr.String())
	}
	if strings.Contains(stderr.String(), "not read: CustomRuns") || strings.Contains(stderr.String(), "not read: TaskRuns") {
		t.Errorf("runs were not read:\n%s", stderr.String())
	}
	for _, team := range teams {
		row := regexp.MustCompile(`<tr><th scope="row"><a href="#team-` + team + `">` + team + `</a></th><td><span class="mark ok">.*OK</span></td><td>(a minute or less|[0-9]+ (minutes|hours))`)
		if !row.MatchString(page) {
			t.Errorf("team %s is not right, with a token of today:\n%s", team, regexp.MustCompile(`<tr><th scope="row"><a href="#team-`+team+`">.*`).FindString(page))
		}
	}
}
