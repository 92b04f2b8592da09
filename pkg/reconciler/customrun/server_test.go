package customrun

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// server answers as the API server does for one resource: it lists all that there is, whatever limit is asked for, and watches.
type server struct {
	client tekton.Interface
	// streams has the server send what there is as events where it is asked to, as Kubernetes 1.32 and 1.34 do; else that is refused.
	streams bool
	// count objects there are before any watch; object returns the JSON of the one with an index.
	count  int
	object func(i int) []byte
	events chan []byte

	mu           sync.Mutex
	peak         uint64
	lists, sends int
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{events: make(chan []byte)}
	http := httptest.NewServer(s)
	t.Cleanup(http.Close)
	t.Cleanup(http.CloseClientConnections)
	client, err := tekton.NewForConfig(&rest.Config{Host: http.URL, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	s.client = client
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	query := r.URL.Query()
	first, _ := strconv.ParseBool(query.Get("sendInitialEvents"))
	switch {
	case query.Get("watch") == "":
		s.list(w)
		return
	case first && !s.streams:
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","code":422}`)
		return
	case first:
		for i := range s.count {
			s.send(w, event(watch.Added, s.object(i)))
		}
		s.send(w, []byte(`{"type":"BOOKMARK","object":{"apiVersion":"tekton.dev/v1beta1","kind":"CustomRun","metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}}`))
	}
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case e := <-s.events:
			s.send(w, e)
			w.(http.Flusher).Flush()
		}
	}
}

func (s *server) list(w io.Writer) {
	s.mu.Lock()
	s.lists++
	s.mu.Unlock()
	_, _ = io.WriteString(w, `{"apiVersion":"tekton.dev/v1beta1","kind":"CustomRunList","metadata":{"resourceVersion":"1"},"items":[`)
	for i := range s.count {
		if i > 0 {
			_, _ = io.WriteString(w, ",")
		}
		s.send(w, s.object(i))
	}
	_, _ = io.WriteString(w, `]}`)
}

// send notes how much memory the process has meanwhile.
func (s *server) send(w io.Writer, data []byte) {
	_, _ = w.Write(data)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peak, s.sends = max(s.peak, m.HeapAlloc), s.sends+1
}

func (s *server) seen() (peak uint64, sends, lists int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak, s.sends, s.lists
}

func event(kind watch.EventType, object []byte) []byte {
	return fmt.Appendf(nil, `{"type":%q,"object":%s}`, kind, object)
}

// encode returns the JSON that the API server has of the run.
func encode(t testing.TB, run *v1beta1.CustomRun) []byte {
	t.Helper()
	run = run.DeepCopy()
	run.APIVersion, run.Kind = "tekton.dev/v1beta1", "CustomRun"
	data, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// most is the largest object that etcd takes by default, in bytes.
const most = 1536 << 10

// fill repeats what f makes of 0, 1 … until it has most bytes, with commas between.
func fill(f func(i int) string) string {
	var all strings.Builder
	for i := 0; all.Len() < most-2048; i++ {
		if i > 0 {
			all.WriteByte(',')
		}
		all.WriteString(f(i))
	}
	return all.String()
}
