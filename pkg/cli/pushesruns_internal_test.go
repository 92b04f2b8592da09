package cli

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/pushlog"
)

// A list goes on over its pages, until there is more than is read: that is told.
func TestEachRunIsBounded(t *testing.T) {
	pages := func(_ context.Context, o metav1.ListOptions) (runtime.Object, error) {
		list := &v1beta1.CustomRunList{Items: make([]v1beta1.CustomRun, 2)}
		var page int
		fmt.Sscan(o.Continue, &page)
		if page < 2 {
			list.Continue = fmt.Sprint(page + 1)
		}
		return list, nil
	}
	for most, want := range map[int]int{5: 5, 6: 6, 7: 6} {
		list, read := pushlog.List{}, 0
		r := runReader{list: &list, most: most}
		r.each(t.Context(), "CustomRuns", "builds", pages, func(runtime.Object) { read++ })
		told := len(list.Gaps) == 1 && list.Gaps[0].What == `CustomRuns of namespace "builds"` && strings.Contains(list.Gaps[0].Err.Error(), "there are more than 5")
		if read != want || told != (most == 5) || !told && len(list.Gaps) > 0 {
			t.Errorf("of at most %d %d were read, gaps %v", most, read, list.Gaps)
		}
	}
}
