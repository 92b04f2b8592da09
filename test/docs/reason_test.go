package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page of the custom task has a row for every reason of the API, and for no other.
func TestReasons(t *testing.T) {
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	var declared, documented []string
	for _, found := range regexp.MustCompile(`(?m)^\tReason\w+ = "(\w+)"$`).FindAllStringSubmatch(read("pkg/apis/quay/v1alpha1/names.go"), -1) {
		declared = append(declared, found[1])
	}
	_, part, _ := strings.Cut(read("docs/custom-task.md"), "## When it is refused")
	for _, row := range regexp.MustCompile("(?m)^\\| ((?:`\\w+`(?:, )?)+) \\|").FindAllStringSubmatch(part, -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			documented = append(documented, strings.Trim(name, "`"))
		}
	}
	slices.Sort(declared)
	slices.Sort(documented)
	if diff := cmp.Diff(declared, documented); diff != "" || len(declared) < 15 {
		t.Errorf("reasons (-code +page):\n%s", diff)
	}
}
