package docs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/test/docs"
)

func TestMetrics(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	text := "# Metrics\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n| `quay_push_a_total` | counter | `team`, `rule` | a |\n| `quay_push_b` | gauge |  | b |\n| `other` | gauge | `x` | c |\n"
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := docs.Metrics(page)
	want := map[string]string{"quay_push_a_total": "counter team, rule", "quay_push_b": "gauge "}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("(-want +got):\n%s%v", diff, err)
	}
	if _, err := docs.Metrics(page + "x"); err == nil {
		t.Error("a page that is not there has metrics")
	}
}
