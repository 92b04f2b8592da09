package customrun

import (
	"encoding/json"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

const ours = `{"apiVersion":"quay.comptech-lab.com/v1alpha1","kind":"PushImage"}`

// hostile are the places where a tenant can write as much as etcd takes, as metadata and the rest of a CustomRun of ours.
var hostile = map[string][2]string{
	"one param":         {``, `"spec":{"customRef":` + ours + `,"params":[{"name":"source","value":"` + strings.Repeat("a", most-2048) + `"}]}`},
	"many params":       {``, `"spec":{"customRef":` + ours + `,"params":[` + fill(func(i int) string { return fmt.Sprintf(`{"name":"%x","value":""}`, i) }) + `]}`},
	"a list as a param": {``, `"spec":{"customRef":` + ours + `,"params":[{"name":"tag","value":[` + fill(func(int) string { return `""` }) + `]}]}`},
	"workspaces":        {``, `"spec":{"customRef":` + ours + `,"workspaces":[` + fill(func(i int) string { return fmt.Sprintf(`{"name":"%x","emptyDir":{}}`, i) }) + `]}`},
	"a custom spec":     {``, `"spec":{"customSpec":{"apiVersion":"quay.comptech-lab.com/v1alpha1","kind":"PushImage","spec":{"a":"` + strings.Repeat("a", most-2048) + `"}}}`},
	"a kind":            {``, `"spec":{"customRef":{"apiVersion":"quay.comptech-lab.com/v1alpha1","kind":"` + strings.Repeat("a", most-2048) + `"}}`},
	"a version":         {``, `"spec":{"customRef":{"apiVersion":"quay.comptech-lab.com/` + strings.Repeat("a", most-2048) + `","kind":"PushImage"}}`},
	"a name":            {``, `"spec":{"customRef":{"apiVersion":"quay.comptech-lab.com/v1alpha1","kind":"PushImage","name":"` + strings.Repeat("a", most-2048) + `"}}`},
	"a message":         {``, `"spec":{"customRef":` + ours + `,"status":"RunCancelled","statusMessage":"` + strings.Repeat("a", most-2048) + `"}`},
	"an account":        {``, `"spec":{"customRef":` + ours + `,"serviceAccountName":"` + strings.Repeat("a", most-2048) + `"}`},
	"labels":            {`,"labels":{` + fill(func(i int) string { return fmt.Sprintf(`"%x":""`, i) }) + `}`, `"spec":{"customRef":` + ours + `}`},
	"annotations":       {`,"annotations":{` + fill(func(i int) string { return fmt.Sprintf(`"%x":""`, i) }) + `}`, `"spec":{"customRef":` + ours + `}`},
	"finalizers":        {`,"finalizers":[` + fill(func(i int) string { return fmt.Sprintf(`"a.io/%x"`, i) }) + `]`, `"spec":{"customRef":` + ours + `}`},
	"owners":            {`,"ownerReferences":[` + fill(func(i int) string { return fmt.Sprintf(`{"apiVersion":"a/v1","kind":"b","name":"c","uid":"%x"}`, i) }) + `]`, `"spec":{"customRef":` + ours + `}`},
	"an owner":          {`,"ownerReferences":[{"apiVersion":"a/v1","kind":"b","name":"` + strings.Repeat("a", most-2048) + `","uid":"1","controller":true}]`, `"spec":{"customRef":` + ours + `}`},
	"managed fields": {`,"managedFields":[` + fill(func(i int) string {
		return fmt.Sprintf(`{"manager":"%x","operation":"Update","fieldsV1":{"f:a":{}}}`, i)
	}) + `]`, `"spec":{"customRef":` + ours + `}`},
	"one of them":        {`,"managedFields":[{"manager":"a","fieldsV1":{"f:` + strings.Repeat("a", most-2048) + `":{}}}]`, `"spec":{"customRef":` + ours + `}`},
	"the results":        {``, `"spec":{"customRef":` + ours + `},"status":{"results":[` + fill(func(i int) string { return fmt.Sprintf(`{"name":"%x","value":""}`, i) }) + `]}`},
	"the state":          {``, `"spec":{"customRef":` + ours + `},"status":{"extraFields":{"a":"` + strings.Repeat("a", most-2048) + `"}}`},
	"all of it, deleted": {`,"deletionTimestamp":"2026-11-28T12:00:00Z","finalizers":["a.io/b"]`, `"spec":{"customRef":` + ours + `,"params":[{"name":"source","value":"` + strings.Repeat("a", most-2048) + `"}]}`},
	"all of it, ended":   {``, `"spec":{"customRef":` + ours + `,"params":[{"name":"source","value":"` + strings.Repeat("a", most-4096) + `"}]},"status":{"completionTime":"2026-11-28T12:00:00Z"}`},
}

func customRun(i int, of [2]string) []byte {
	return fmt.Appendf(nil, `{"apiVersion":"tekton.dev/v1beta1","kind":"CustomRun","metadata":{"name":"big-%d","namespace":"b","uid":"u-%d","resourceVersion":"1"%s},%s}`, i, i, of[0], of[1])
}

// size is the length of the JSON of v.
func size(v any) int {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return len(encoded)
}

// However a tenant makes CustomRuns as large as they can be, here 95 MiB together, a replica that starts on them, and one that sees them change, stays
// small: at its worst and when it has them.
func TestHostileCustomRunsAreSmallInMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("130 objects of a megabyte are decoded")
	}
	// As shipped. Beside it the program has 60 MiB for itself, its pages and its runtime, and may have 160 MiB in all.
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	// The connection keeps a buffer for the largest.
	const worst, kept = 64 << 20, 8 << 20
	shapes := slices.Sorted(maps.Keys(hostile))
	for name, streams := range map[string]bool{"list": false, "stream": true} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.streams, s.count = streams, 63
			s.object = func(i int) []byte { return customRun(i, hostile[shapes[i%len(shapes)]]) }
			before := int64(live())
			informer := newInformer(s.client, 0)
			start(t, informer)
			for i := range 4 {
				s.events <- event(watch.Modified, s.object(i))
			}
			s.events <- event(watch.Added, customRun(1000, [2]string{``, `"spec":{"customRef":` + ours + `}`}))
			within(t, "the last event", func() bool { _, there, _ := informer.GetStore().GetByKey("b/big-1000"); return there })
			peak, sends, _ := s.seen()
			if sends < 68 || int64(peak)-before > worst {
				t.Errorf("%d MiB at the worst of %d objects, want at most %d", (int64(peak)-before)>>20, sends, worst>>20)
			}
			if got := int64(live()) - before; got > kept {
				t.Errorf("%d KiB are kept of %d objects, want at most %d", got>>10, len(informer.GetStore().List()), kept>>10)
			}
		})
	}
}

// Each of them is still answered, with a reason that names the bound; those that ended or go away need none.
func TestHostileCustomRunsAreRefused(t *testing.T) {
	for name, parts := range hostile {
		t.Run(name, func(t *testing.T) {
			run := &v1beta1.CustomRun{}
			if err := json.Unmarshal(customRun(1, parts), run); err != nil {
				t.Fatal(err)
			}
			got := slimCustomRun(run)
			if n := size(got); n > 2*MaxSize || got.Name != "big-1" || got.UID != "u-1" || got.ResourceVersion != "1" || !Ours(got) {
				t.Errorf("%d bytes are kept of %q", n, got.Name)
			}
			if strings.HasPrefix(name, "all of it") {
				return
			}
			if strings.HasPrefix(name, "the ") {
				// What we alone write is left out, and the run is not refused for it.
				if large(got) != "" || len(got.Status.Results) > 0 || len(got.Status.ExtraFields.Raw) > 0 {
					t.Errorf("%q, status %+v", large(got), got.Status)
				}
				return
			}
			_, err := Params(got, v1alpha1.KindPushImage, "source")
			failure, ok := err.(*Failure)
			if !ok || failure.Reason != v1alpha1.ReasonInvalidParams || !strings.Contains(failure.Message, "bytes") ||
				!strings.Contains(failure.Message, fmt.Sprint(MaxSize)) && !strings.Contains(failure.Message, fmt.Sprint(maxUnread)) || len(failure.Message) > 1000 {
				t.Errorf("Params = %.300v", err)
			}
		})
	}
}

// Anybody can set the label by which TaskRuns are cached.
func TestForgedTaskRunsAreSmall(t *testing.T) {
	big := strings.Repeat("a", most-4096)
	for name, body := range map[string]string{
		"nobody's":         `"metadata":{"name":"a","namespace":"b","uid":"u","annotations":{"x":"` + big + `"}}`,
		"nobody's results": `"metadata":{"name":"a","namespace":"b","uid":"u"},"status":{"results":[{"name":"r","value":"` + big + `"}]}`,
		"another's":        `"metadata":{"name":"a","namespace":"b","uid":"u","ownerReferences":[{"kind":"` + big + `","name":"x","controller":true}]}`,
		"its owner's name": `"metadata":{"name":"a","namespace":"b","uid":"u","ownerReferences":[{"kind":"CustomRun","name":"` + big + `","controller":true}]}`,
		"its CustomRun":    `"metadata":{"name":"a","namespace":"b","uid":"u","annotations":{"quay.comptech-lab.com/customrun":"` + big + `"}}`,
		"its image":        `"metadata":{"name":"a","namespace":"b","uid":"u","ownerReferences":[{"kind":"CustomRun","name":"x","controller":true}]},"spec":{"params":[{"name":"image-ref","value":"` + big + `"}]}`,
		"its spec.status":  `"metadata":{"name":"a","namespace":"b","uid":"u","ownerReferences":[{"kind":"CustomRun","name":"x","controller":true}]},"spec":{"status":"` + big + `"}`,
		"its results":      `"metadata":{"name":"a","namespace":"b","uid":"u","ownerReferences":[{"kind":"CustomRun","name":"x","controller":true}]},"status":{"results":[{"name":"r","value":"` + big + `"}]}`,
		"its message":      `"metadata":{"name":"a","namespace":"b","uid":"u","ownerReferences":[{"kind":"CustomRun","name":"x","controller":true}]},"status":{"conditions":[{"type":"Succeeded","status":"False","message":"` + big + `"}]}`,
		"its attempts": `"metadata":{"name":"a","namespace":"b","uid":"u","ownerReferences":[{"kind":"CustomRun","name":"x","controller":true}]},"status":{"retriesStatus":[` + fill(func(i int) string {
			return fmt.Sprintf(`{"conditions":[{"type":"Succeeded","status":"False","reason":"%x"}]}`, i)
		}) + `]}`,
		"its conditions":     `"metadata":{"name":"a","namespace":"b","uid":"u","ownerReferences":[{"kind":"CustomRun","name":"x","controller":true}]},"status":{"conditions":[` + fill(func(i int) string { return fmt.Sprintf(`{"type":"%x","status":"False"}`, i) }) + `]}`,
		"its copied Task":    `"metadata":{"name":"a","namespace":"b","uid":"u","ownerReferences":[{"kind":"CustomRun","name":"x","controller":true}]},"status":{"taskSpec":{"description":"` + big + `"}}`,
		"its own definition": `"metadata":{"name":"a","namespace":"b","uid":"u","ownerReferences":[{"kind":"CustomRun","name":"x","controller":true}]},"spec":{"taskSpec":{"description":"` + big + `"}}`,
	} {
		task := &pipelinev1.TaskRun{}
		if err := json.Unmarshal([]byte("{"+body+"}"), task); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := slimTaskRun(task)
		if n := size(got); n > maxStatus || got.UID != "u" || got.Name != "a" {
			t.Errorf("%s: %d bytes are kept", name, n)
		}
	}
}
