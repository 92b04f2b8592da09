package retention_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/retention"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// monthGrace is shorter than a month, so that anchors go within it.
const monthGrace = 6 * day

// seedOf is the scenario's: the same in each run, or that of $RETENTION_SEED.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(14)
	if text := os.Getenv("RETENTION_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("RETENTION_SEED=%d", seed)
	return seed
}

// month plays a scenario on a Quay and a Git server.
type month struct {
	*testing.T
	s      *scenario
	quay   *quaytest.Quay
	client *quay.Client
	git    *gitopstest.Server
	source *retention.Git
	// anchors says that pushes set them, blind that gc does not look at Pods, forgetful that it does not look at what branches had.
	anchors, blind, forgetful bool

	branches map[string]map[string]string // files by branch
	unsent   []event                      // of branches, not yet on the Git server
	sentAt   []time.Time
	pods     map[string]*image
	images   map[string]*image
	// needed is when a digest was needed last, by the end of the hour; lost are those that were gone while they were needed.
	needed map[string]time.Time
	lost   map[string]string
	// went is how many anchors gc let go.
	went int
}

func (s *scenario) play(t *testing.T, how month) *month {
	t.Helper()
	m := &month{T: t, s: s, quay: quaytest.Start(t), anchors: how.anchors, blind: how.blind, forgetful: how.forgetful, branches: map[string]map[string]string{"main": s.files}, pods: map[string]*image{},
		images: map[string]*image{}, needed: map[string]time.Time{}, lost: map[string]string{}}
	m.quay.SetAutoPrune(true)
	m.branches["main"] = map[string]string{}
	seen := map[string]bool{}
	for name, text := range s.files {
		m.branches["main"][name] = text
		parts := strings.Split(name, "/")
		if organization := "team-" + parts[1]; !seen[organization] {
			seen[organization] = true
			m.quay.AddOrganization(organization)
			m.quay.AddRobot(organization, "ci")
			m.quay.SetDefaultPermission(organization, organization+"+ci", quaytest.Write)
			m.rule(organization)
		}
		if repository := parts[1] + "/" + parts[2]; !seen[repository] {
			seen[repository] = true
			m.quay.AddRepository("team-"+parts[1], parts[2])
		}
	}
	if m.anchors {
		m.git = gitopstest.Start(t, s.files)
		m.source = gitSource(t, m.git)
		var err error
		if m.client, err = quay.New(quay.Options{URL: m.quay.URL(), Token: secret.New(m.quay.AddOAuthToken([]quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin})), HTTPClient: m.quay.Client(), Rate: 5000}); err != nil {
			t.Fatal(err)
		}
	}
	for hour, events := range s.hours {
		for _, e := range events {
			m.do(e)
		}
		m.check(fmt.Sprintf("hour %d", hour))
		if hour%24 == 3 {
			m.clean(hour / 24)
			m.check(fmt.Sprintf("hour %d, after gc", hour))
		}
		m.quay.Advance(time.Hour)
	}
	return m
}

// rule gives an organization what Quay does by itself.
func (m *month) rule(organization string) {
	if m.anchors {
		m.quay.AddImmutability(organization, reference.AnchorPattern, true)
	}
	m.quay.AddAutoPrune(organization, "number_of_tags", "3", "", true)
}

// do has one thing happen.
func (m *month) do(e event) {
	switch {
	case e.push != nil:
		m.push(e.push)
	case e.pod != "":
		m.pods[e.pod] = e.image
	case e.files == nil:
		delete(m.branches, e.branch)
	default:
		if m.branches[e.branch] == nil {
			m.branches[e.branch] = map[string]string{}
			for name, text := range m.branches["main"] {
				m.branches[e.branch][name] = text
			}
		}
		for name, text := range e.files {
			m.branches[e.branch][name] = text
		}
	}
	if e.branch != "" {
		m.unsent, m.sentAt = append(m.unsent, e), append(m.sentAt, m.quay.Now())
	}
}

// push pushes an image to tag main, and its anchor.
func (m *month) push(i *image) {
	for _, child := range i.children {
		m.images[child.digest] = child
	}
	m.images[i.digest] = i
	m.needed[i.digest] = m.quay.Now()
	organization, _, _ := strings.Cut(i.repository, "/")
	robot := organization + "+ci"
	request := func(method, path, mediaType string, body []byte, authorize func(*http.Request), want ...int) []byte {
		r, err := http.NewRequestWithContext(m.Context(), method, m.quay.URL()+path, bytes.NewReader(body))
		if err != nil {
			m.Fatal(err)
		}
		r.Header.Set("Content-Type", mediaType)
		authorize(r)
		response, err := m.quay.Client().Do(r)
		if err != nil {
			m.Fatal(err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		for _, status := range want {
			if response.StatusCode == status && err == nil {
				return answer
			}
		}
		m.Fatalf("%s %s: %s, %s, %v", method, path, response.Status, answer, err)
		return nil
	}
	var token struct{ Token string }
	answer := request("GET", "/v2/auth?"+url.Values{"service": {m.quay.Host()}, "scope": {"repository:" + i.repository + ":pull,push"}}.Encode(), "", nil,
		func(r *http.Request) { r.SetBasicAuth(robot, m.quay.RobotToken(robot)) }, 200)
	if err := json.Unmarshal(answer, &token); err != nil {
		m.Fatal(err)
	}
	bearer := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token.Token) }
	request("POST", "/v2/"+i.repository+"/blobs/uploads/?digest="+digestOf(configBlob), "application/octet-stream", configBlob, bearer, 201)
	for _, child := range i.children {
		request("PUT", "/v2/"+i.repository+"/manifests/"+child.digest, manifestType, child.body, bearer, 201)
	}
	mediaType := manifestType
	if i.children != nil {
		mediaType = indexType
	}
	if m.anchors {
		// That it is there already, and immutable, is no failure.
		request("PUT", "/v2/"+i.repository+"/manifests/"+reference.Anchor(i.digest), mediaType, i.body, bearer, 201, 409)
	}
	request("PUT", "/v2/"+i.repository+"/manifests/main", mediaType, i.body, bearer, 201)
}

// demand calls visit with all digests that branches and Pods need now.
func (m *month) demand(visit func(digest, who string)) {
	for branch, files := range m.branches {
		for name, text := range files {
			for _, digest := range reference.Digests(text) {
				visit(digest, name+" on "+branch)
			}
		}
	}
	for pod, i := range m.pods {
		visit(i.digest, "Pod "+pod)
	}
}

// check looks whether all that is needed is there, and notes what is needed.
func (m *month) check(when string) {
	now, alive := m.quay.Now(), map[string]bool{}
	for _, i := range m.images {
		tags := m.quay.Tags(i.repository)
		for _, digest := range tags {
			alive[digest] = true
			for _, child := range m.images[digest].children {
				alive[child.digest] = true
			}
		}
		m.needed[tags["main"]] = now
	}
	m.demand(func(digest, who string) {
		m.needed[digest] = now
		if !alive[digest] && m.lost[digest] == "" {
			m.lost[digest] = when + ": " + who
		}
	})
	for digest, i := range m.images {
		for _, child := range i.children {
			if m.needed[child.digest].After(m.needed[digest]) {
				m.needed[digest] = m.needed[child.digest] // It keeps its index.
			}
		}
	}
}

// Look implements retention.Source: the cluster.
func (m *month) Look(context.Context, time.Time) (d retention.Demand) {
	for name, i := range m.pods {
		if !m.blind {
			d.Need(i.digest, "Pod "+name)
		}
	}
	return d
}

// clean is the night: Quay prunes and collects, and gc lets go.
func (m *month) clean(n int) {
	m.quay.Prune()
	m.quay.CollectGarbage()
	if !m.anchors {
		return
	}
	m.send()
	var organizations []string
	for name := range m.s.files {
		organizations = append(organizations, "team-"+strings.Split(name, "/")[1])
	}
	r := retention.Collect(m.Context(), m.client, retention.Options{Organizations: organizations, Sources: []retention.Source{memory{m.source, m}, m}, Grace: monthGrace, Parallel: 2, Now: m.quay.Now})
	if len(r.Gaps) > 0 || r.Count(retention.Failed)+r.Count(retention.Unknown) > 0 {
		m.Fatalf("day %d: %+v", n, r)
	}
	m.went += r.Count(retention.LetGo)
	// What nothing needs is gone after its grace period: that of the last night's gc counts.
	late := m.quay.Now().Add(-monthGrace - day)
	for digest, i := range m.images {
		if _, _, visible := m.quay.Manifest(i.repository, digest); visible && m.needed[digest].Before(late) && !m.inNeededIndex(i) {
			m.Errorf("day %d: %s of %s is there, and was needed last at %s", n, digest, i.repository, m.needed[digest])
		}
	}
}

// inNeededIndex reports whether an index that is there lists an image.
func (m *month) inNeededIndex(child *image) bool {
	for digest, i := range m.images {
		for _, c := range i.children {
			if _, _, visible := m.quay.Manifest(i.repository, digest); c == child && visible {
				return true
			}
		}
	}
	return false
}

// send has the Git server have the branches as they are.
func (m *month) send() {
	at, on := m.sentAt, map[string]bool{}
	m.git.Import(func(w io.Writer) {
		for n, e := range m.unsent {
			if e.files == nil {
				fmt.Fprintf(w, "reset refs/heads/%s\nfrom %040d\n\n", e.branch, 0)
				delete(on, e.branch)
				continue
			}
			from := ""
			switch {
			case on[e.branch]:
			case e.branch != "main" && on["main"]:
				from = "refs/heads/main"
			default:
				from = "refs/heads/main^0"
			}
			on[e.branch] = true
			gitopstest.WriteCommit(w, at[n], e.branch, from, e.files)
		}
	})
	m.unsent, m.sentAt = nil, nil
}

// A month of teams that push to main, promote, roll back, and have Pods that follow late, while Quay prunes, and gc runs each night: nothing
// that a branch or a Pod needs is gone in any hour, and what nothing needs is after its grace period. Without anchors much is lost, and some
// where gc does not see Pods, or does not know what branches had: the test can tell.
func TestMonth(t *testing.T) {
	const teams, days = 2, 30
	s := direct(t, seedOf(t), teams, days)
	m := s.play(t, month{anchors: true})
	if len(m.lost) > 0 || m.went < 10*teams {
		t.Errorf("lost %v; %d anchors were let go of %d images", m.lost, m.went, len(m.images))
	}
	t.Logf("%d images were pushed, %d anchors let go", len(m.images), m.went)
	for name, how := range map[string]month{"without anchors": {}, "where gc does not see Pods": {anchors: true, blind: true}, "where gc does not see what branches had": {anchors: true, forgetful: true}} {
		if testing.Short() && how.forgetful {
			continue
		}
		if m := s.play(t, how); len(m.lost) == 0 {
			t.Errorf("%s, none is lost", name)
		} else {
			t.Logf("%s, %d are lost", name, len(m.lost))
		}
	}
}

// memory is a GitOps repository, which a forgetful month does not ask for its past.
type memory struct {
	source *retention.Git
	m      *month
}

func (s memory) Look(ctx context.Context, since time.Time) retention.Demand {
	if s.m.forgetful {
		since = s.m.quay.Now()
	}
	return s.source.Look(ctx, since)
}
