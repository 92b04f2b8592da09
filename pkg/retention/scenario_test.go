package retention_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// scenario is a month of some teams: what is pushed, what branches have, and what Pods run, hour by hour. It is made once from a seed, and
// played with and without anchors.
type scenario struct {
	begin time.Time
	files map[string]string // of main, at the beginning
	hours [][]event
}

// event is one thing that happens in an hour.
type event struct {
	// push is an image that is pushed to tag main of its repository.
	push *image
	// branch has these files from now on; one that is new begins at main. Without files it is deleted.
	branch string
	files  map[string]string
	// pod is the Pod of an app and environment, which runs an image from now on.
	pod   string
	image *image
}

// image is what a push makes. Of an index children are what it lists.
type image struct {
	repository, digest string
	body               []byte
	children           []*image
}

// app is one app of a team.
type appOf struct {
	team, name string
	index      bool
	pushed     []*image
	// merged are the contents of each overlay that main had, with when they left.
	merged map[string][]content
}

type content struct {
	text string
	left time.Time
}

// host is that of the images in the repository; digests alone are compared.
const host = "quay.example.com"

func (a *appOf) image() string { return host + "/team-" + a.team + "/" + a.name }

func (a *appOf) path(env string) string {
	return overlay.Overlay{Team: a.team, App: a.name, Env: env}.Path()
}

// director makes a scenario.
type director struct {
	testing.TB
	rand    *rand.Rand
	s       *scenario
	main    fstest.MapFS
	apps    []*appOf
	open    map[string]proposal // branches of CI that are not merged
	running map[string]string   // digest by Pod
	images  map[string]*image   // by digest
	hour    int
	serial  int
}

// direct makes a scenario of days for as many teams, two apps each.
func direct(t testing.TB, seed uint64, teams, days int) *scenario {
	d := &director{TB: t, rand: rand.New(rand.NewPCG(seed, 0)), main: fstest.MapFS{}, open: map[string]proposal{}, running: map[string]string{}, images: map[string]*image{},
		s: &scenario{files: map[string]string{}, hours: make([][]event, days*24)}}
	for i := range teams {
		for j, name := range []string{"checkout", "ui"} {
			a := &appOf{team: string(rune('a' + i)), name: name, index: j == 1, merged: map[string][]content{}}
			d.apps = append(d.apps, a)
			for file, text := range filesOf(a) {
				d.s.files[file] = text
				d.main[file] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
			}
		}
	}
	for d.hour = range d.s.hours {
		for _, a := range d.apps {
			d.play(a)
		}
	}
	return d.s
}

func filesOf(a *appOf) map[string]string {
	dir := "apps/" + a.team + "/" + a.name
	files := map[string]string{dir + "/base/kustomization.yaml": "resources: [deployment.yaml]\n",
		dir + "/base/deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec: {template: {spec: {containers: [{name: app, image: \"" + a.image() + ":placeholder\"}]}}}\n"}
	for _, env := range overlay.Environments {
		files[a.path(env)] = "resources:\n  - ../../base\nimages:\n  - name: " + a.image() + "\n    newName: " + a.image() + "\n    digest: " + overlay.Placeholder + "\n"
	}
	return files
}

// happens reports whether something happens this hour that does so many times in a day.
func (d *director) happens(perDay float64) bool { return d.rand.Float64() < perDay/24 }

func (d *director) add(e event) { d.s.hours[d.hour] = append(d.s.hours[d.hour], e) }

func (d *director) now() time.Time { return d.s.begin.Add(time.Duration(d.hour) * time.Hour) }

// play has an app do what it does in an hour: pushes, proposals of CI, merges, promotions, rollbacks, and Pods that follow late.
func (d *director) play(a *appOf) {
	if d.happens(1) {
		d.push(a)
	}
	for _, branch := range d.branches(a) {
		switch {
		case d.happens(2):
			d.merge(a, a.path("dev"), d.open[branch].text)
			d.drop(branch)
		case d.happens(0.5):
			d.drop(branch) // Nobody wanted it.
		}
	}
	for i, env := range overlay.Environments[1:] {
		if !d.happens(0.6) {
			continue
		}
		edit, err := overlay.Promote(d.main, overlay.Overlay{Team: a.team, App: a.name, Env: overlay.Environments[i]}, env)
		if err == nil && edit.Changed() {
			d.merge(a, edit.Path, string(edit.After))
		}
	}
	for _, env := range overlay.Environments {
		if name := a.path(env); d.happens(0.1) {
			d.rollBack(a, name)
		}
		d.follow(a, env)
	}
}

// push makes an image, or now and then one that there was before, and has CI propose it.
func (d *director) push(a *appOf) {
	var made *image
	if len(a.pushed) > 3 && d.rand.IntN(8) == 0 {
		made = a.pushed[len(a.pushed)-1-d.rand.IntN(3)] // A build that can be repeated.
	} else {
		made = d.make(a)
	}
	a.pushed = append(a.pushed, made)
	d.add(event{push: made})
	if d.rand.IntN(3) == 0 {
		return // A build of a branch: its digest goes nowhere.
	}
	d.serial++
	branch := fmt.Sprintf("ci/dev/%04d", d.serial)
	after, err := overlay.Pin{Image: a.image(), Digest: made.digest}.Apply(d.main[a.path("dev")].Data)
	if err != nil {
		d.Fatal(err)
	}
	d.open[branch] = proposal{a, string(after)}
	d.add(event{branch: branch, files: map[string]string{a.path("dev"): string(after)}})
}

// proposal is what a branch of CI has for the dev overlay of an app.
type proposal struct {
	app  *appOf
	text string
}

func (d *director) branches(a *appOf) (found []string) {
	for branch, p := range d.open {
		if p.app == a {
			found = append(found, branch)
		}
	}
	slices.Sort(found)
	return found
}

// drop deletes a branch.
func (d *director) drop(branch string) {
	delete(d.open, branch)
	d.add(event{branch: branch})
}

// merge has main have another content of an overlay.
func (d *director) merge(a *appOf, name, text string) {
	before := string(d.main[name].Data)
	if before == text {
		return
	}
	a.merged[name] = append(a.merged[name], content{before, d.now()})
	d.main[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	d.add(event{branch: "main", files: map[string]string{name: text}})
}

// rollBack goes back to what main had within the grace period of the month, but for the day that gc may be late.
func (d *director) rollBack(a *appOf, name string) {
	var may []content
	for _, c := range a.merged[name] {
		if d.now().Sub(c.left) < monthGrace && digestIn(c.text) != "" {
			may = append(may, c)
		}
	}
	if len(may) > 0 {
		d.merge(a, name, may[d.rand.IntN(len(may))].text)
	}
}

// follow has the Pod of an environment run what main has there, late: by days, in prd by more than the grace period.
func (d *director) follow(a *appOf, env string) {
	wanted := digestIn(string(d.main[a.path(env)].Data))
	pod := path.Join(a.team, a.name, env)
	often := 1.0
	if env == "prd" && d.running[pod] != "" {
		often = 0.05 // A freeze for weeks.
	}
	if wanted == "" || d.running[pod] == wanted || !d.happens(often) {
		return
	}
	d.running[pod] = wanted
	made := d.images[wanted]
	if len(made.children) > 0 {
		made = made.children[d.rand.IntN(len(made.children))] // What a node says that it runs.
	}
	d.add(event{pod: pod, image: made})
}

var digestPattern = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// make makes an image, for one app in two an index of two platforms.
func (d *director) make(a *appOf) *image {
	repository := "team-" + a.team + "/" + a.name
	one := func() *image {
		d.serial++
		return d.keep(&image{repository: repository, body: fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"`+manifestType+`","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[],"annotations":{"serial":"%d"}}`,
			digestOf(configBlob), len(configBlob), d.serial)})
	}
	if !a.index {
		return one()
	}
	amd, arm := one(), one()
	line := func(i *image, arch string) string {
		return fmt.Sprintf(`{"mediaType":"`+manifestType+`","digest":%q,"size":%d,"platform":{"os":"linux","architecture":%q}}`, i.digest, len(i.body), arch)
	}
	return d.keep(&image{repository: repository, children: []*image{amd, arm},
		body: []byte(`{"schemaVersion":2,"mediaType":"` + indexType + `","manifests":[` + line(amd, "amd64") + "," + line(arm, "arm64") + "]}")})
}

func (d *director) keep(i *image) *image {
	i.digest = digestOf(i.body)
	d.images[i.digest] = i
	return i
}

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
)

var configBlob = []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`)

func digestOf(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

func digestIn(text string) string { return digestPattern.FindString(text) }
