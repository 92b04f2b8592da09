package receipt

import (
	"bytes"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// registry is a Quay with an image in the repository of team payments, and its receipts.
type registry struct {
	*quaytest.Quay
	Store
	t      *testing.T
	digest string
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	q := quaytest.Start(t)
	q.AddOrganization("team-payments")
	q.AddRepository("team-payments", "checkout")
	token := q.AddRobot("team-payments", "ci")
	q.Grant("team-payments/checkout", "team-payments+ci", quaytest.Write)
	r := &registry{Quay: q, t: t, Store: Store{Repository: q.Host() + "/team-payments/checkout", Options: []remote.Option{
		remote.WithTransport(q.Client().Transport), remote.WithAuth(&authn.Basic{Username: "team-payments+ci", Password: token}),
	}}}
	r.digest = r.push("v1")
	return r
}

// push pushes another image, and returns its digest.
func (r *registry) push(tag string) string {
	r.t.Helper()
	content, err := random.Image(100, 1)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := remote.Write(r.tag(tag), content, r.Options...); err != nil {
		r.t.Fatal(err)
	}
	digest, err := content.Digest()
	if err != nil {
		r.t.Fatal(err)
	}
	return digest.String()
}

func (r *registry) tag(tag string) name.Tag {
	ref, err := name.NewTag(r.Repository + ":" + tag)
	if err != nil {
		r.t.Fatal(err)
	}
	return ref
}

func (r *registry) expected() Expectation {
	return Expectation{Repository: r.Repository, Digest: r.digest, Team: "payments"}
}

// write writes a receipt of the run, and returns its digest.
func (r *registry) write(uid string, by Key) string {
	r.t.Helper()
	s := newStatement(r.t, r.Repository, r.digest, uid)
	digest, err := r.Write(r.t.Context(), s, sign(r.t, s, by))
	if err != nil {
		r.t.Fatal(err)
	}
	return digest
}

func TestWriteAndFind(t *testing.T) {
	r := newRegistry(t)
	key, _ := newKey(t)
	keys := []*ecdsa.PublicKey{key.Public()}
	_, _, err := r.Find(t.Context(), keys, r.expected())
	if !errors.As(err, new(*Invalid)) || !strings.Contains(err.Error(), "has no receipt") {
		t.Errorf("before: %v", err)
	}
	first, second := r.write("u-1", key), r.write("u-2", key)
	got, digest, err := r.Find(t.Context(), keys, r.expected())
	if err != nil || digest != first && digest != second {
		t.Fatalf("%q, %v; want %q or %q", digest, err, first, second)
	}
	if diff := cmp.Diff(newStatement(t, r.Repository, r.digest, got.Predicate.Run.UID), got); diff != "" {
		t.Error(diff)
	}
	for uid, want := range map[string]string{"u-1": first, "u-2": second} {
		if digest, err := r.Of(t.Context(), uid, keys, r.expected()); err != nil || digest != want {
			t.Errorf("of run %s: %q, %v; want %q", uid, digest, err, want)
		}
	}
	if digest, err := r.Of(t.Context(), "u-3", keys, r.expected()); !errors.As(err, new(*Invalid)) || digest != "" {
		t.Errorf("of a run without one: %q, %v", digest, err)
	}
	// What a stranger sees.
	ref, err := name.NewDigest(r.Repository + "@" + first)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := remote.Image(ref, r.Options...)
	if err != nil {
		t.Fatal(err)
	}
	m, err := answer.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if m.ArtifactType != BundleType || m.Subject.Digest.String() != r.digest || len(m.Layers) != 1 || string(m.Layers[0].MediaType) != BundleType ||
		m.Config.MediaType != "application/vnd.oci.empty.v1+json" || m.Annotations["dev.sigstore.bundle.predicateType"] != PredicateType {
		t.Errorf("the manifest is %+v", m)
	}
}

// A receipt leaves no tag, and Quay does not drop it while it keeps the image.
func TestReceiptLastsWithoutTag(t *testing.T) {
	r := newRegistry(t)
	key, _ := newKey(t)
	digest := r.write("u-1", key)
	tags, err := remote.List(r.tag("x").Context(), r.Options...)
	if err != nil || len(tags) != 1 || tags[0] != "v1" {
		t.Errorf("tags are %v, %v", tags, err)
	}
	r.Advance(30 * 24 * time.Hour)
	if _, got, err := r.Find(t.Context(), []*ecdsa.PublicKey{key.Public()}, r.expected()); err != nil || got != digest {
		t.Errorf("after a month: %q, %v", got, err)
	}
}

// Who may push to the repository may leave any referrer. None of them is taken for a receipt, none keeps the true one from being found.
func TestFindAmongForged(t *testing.T) {
	r := newRegistry(t)
	key, _ := newKey(t)
	stranger, _ := newKey(t)
	keys := []*ecdsa.PublicKey{key.Public()}
	r.write("u-1", stranger)
	elsewhere := newStatement(t, r.Repository, r.push("v2"), "u-1")
	r.forge(sign(t, elsewhere, key), "u-1")
	r.forge([]byte("{}"), "u-1")
	r.forge(nil, "u-1")
	_, _, err := r.Find(t.Context(), keys, r.expected())
	if !errors.As(err, new(*Invalid)) || !strings.Contains(err.Error(), "there are 4") {
		t.Errorf("of forged ones alone: %v", err)
	}
	if digest, err := r.Of(t.Context(), "u-1", keys, r.expected()); !errors.As(err, new(*Invalid)) {
		t.Errorf("a forged one is taken for the run's: %q, %v", digest, err)
	}
	// One of another run says that it is this one's.
	s := newStatement(t, r.Repository, r.digest, "u-2")
	r.forge(sign(t, s, key), "u-1")
	if digest, err := r.Of(t.Context(), "u-1", keys, r.expected()); !errors.As(err, new(*Invalid)) {
		t.Errorf("another run's is taken for the run's: %q, %v", digest, err)
	}
	want := r.write("u-1", key)
	if digest, err := r.Of(t.Context(), "u-1", keys, r.expected()); err != nil || digest != want {
		t.Errorf("among them: %q, %v; want %q", digest, err, want)
	}
}

// forge writes data as a receipt of the image that says to be of the run; nil: as one without a bundle.
func (r *registry) forge(data []byte, uid string) {
	r.t.Helper()
	layers := []v1.Layer{static.NewLayer([]byte("{}"), emptyType), static.NewLayer(data, types.MediaType(BundleType))}
	if data == nil {
		layers[1] = static.NewLayer([]byte("x"), "text/plain")
	}
	ref, err := r.Store.digest(r.digest)
	if err != nil {
		r.t.Fatal(err)
	}
	about, err := remote.Head(ref, r.Options...)
	if err != nil {
		r.t.Fatal(err)
	}
	s := newStatement(r.t, r.Repository, r.digest, uid)
	m, err := newManifest(s, v1.Descriptor{MediaType: about.MediaType, Digest: about.Digest, Size: about.Size}, layers[0], layers[1])
	if err != nil {
		r.t.Fatal(err)
	}
	for _, l := range layers {
		if err := remote.WriteLayer(ref.Context(), l, r.Options...); err != nil {
			r.t.Fatal(err)
		}
	}
	at, err := r.Store.digest(m.digest)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := remote.Put(at, m, r.Options...); err != nil {
		r.t.Fatal(err)
	}
}

// A registry that is away is no proof that there is none, and a write that fails says so.
func TestRegistryAway(t *testing.T) {
	r := newRegistry(t)
	key, _ := newKey(t)
	r.Faults.Add(quaytest.Fault{Name: "down", Times: -1, Effect: func(_ *quaytest.Quay, rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
		rw.WriteHeader(http.StatusServiceUnavailable)
	}})
	_, _, err := r.Find(t.Context(), []*ecdsa.PublicKey{key.Public()}, r.expected())
	if err == nil || errors.As(err, new(*Invalid)) {
		t.Errorf("finding: %v", err)
	}
	s := newStatement(t, r.Repository, r.digest, "u-1")
	if digest, err := r.Write(t.Context(), s, sign(t, s, key)); err == nil || digest != "" {
		t.Errorf("writing: %q, %v", digest, err)
	}
	for _, bad := range []Expectation{{Repository: "", Digest: r.digest}, {Repository: "docker.io/team-payments/checkout", Digest: r.digest}, {Repository: r.Repository, Digest: "v1"}} {
		store := Store{Repository: bad.Repository, Options: r.Options}
		if _, _, err := store.Find(t.Context(), nil, bad); !errors.As(err, new(*Invalid)) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// A registry that echoes what it was sent gets nothing of it into an error.
func TestEchoIsHidden(t *testing.T) {
	r := newRegistry(t)
	key, _ := newKey(t)
	r.Faults.Add(quaytest.Fault{Name: "echo", Times: -1, Effect: func(q *quaytest.Quay, rw http.ResponseWriter, request *http.Request, next http.Handler) {
		if request.Header.Get("Authorization") == "" {
			next.ServeHTTP(rw, request)
			return
		}
		rw.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(rw, `{"errors":[{"code":"DENIED","message":%q,"detail":%[1]q},{"code":%[1]q}]}`, request.Header.Get("Authorization"))
	}})
	_, _, finding := r.Find(t.Context(), []*ecdsa.PublicKey{key.Public()}, r.expected())
	s := newStatement(t, r.Repository, r.digest, "u-1")
	_, writing := r.Write(t.Context(), s, sign(t, s, key))
	for _, err := range []error{finding, writing} {
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "Basic ") || !strings.Contains(err.Error(), "403 Forbidden") {
			t.Errorf("%#v", err)
		}
	}
}

// However many forged receipts there are, older and newer ones, the true one is found; beyond what is read none is taken for absent in silence.
func TestFindInAFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes many receipts")
	}
	r := newRegistry(t)
	key, _ := newKey(t)
	keys := []*ecdsa.PublicKey{key.Public()}
	for i := range 60 {
		r.forge(fmt.Append(nil, i), "u-1")
	}
	want := r.write("u-1", key)
	for i := range 60 {
		r.forge(fmt.Append(nil, "later ", i), "u-1")
	}
	if _, digest, err := r.Find(t.Context(), keys, r.expected()); err != nil || digest != want {
		t.Errorf("in a flood: %q, %v; want %q", digest, err, want)
	}
	// A run's own is written anew where it is not among the first.
	if _, err := r.Of(t.Context(), "u-1", keys, r.expected()); err != nil && !strings.Contains(err.Error(), "the other 57 are not looked at") {
		t.Errorf("of the run: %v", err)
	}
	r.Store.limit = 1 << 10
	stranger, _ := newKey(t)
	_, _, err := r.Find(t.Context(), []*ecdsa.PublicKey{stranger.Public()}, r.expected())
	if !errors.As(err, new(*Invalid)) || !strings.Contains(err.Error(), "none of the newest 8 receipts") || !strings.Contains(err.Error(), "the other 113 are not looked at") {
		t.Errorf("finding among too many: %v", err)
	}
}

// Of what says to be a receipt no more is read than one has, and all that is read counts. One that is listed and not there is no receipt; one
// that cannot be read now may be.
func TestRead(t *testing.T) {
	r := newRegistry(t)
	r.forge(bytes.Repeat([]byte("x"), 1<<20), "u-1")
	subject, err := r.Store.digest(r.digest)
	if err != nil {
		t.Fatal(err)
	}
	listed, err := r.list(t.Context(), subject)
	if err != nil || len(listed) != 1 {
		t.Fatalf("%+v, %v", listed, err)
	}
	_, n, err := r.read(t.Context(), listed[0], nil, r.expected())
	if want := int(listed[0].Size) + maxBundle + 1; n != want || !errors.As(err, new(*Invalid)) {
		t.Errorf("read %d bytes, want %d; %v", n, want, err)
	}
	for status, invalid := range map[int]bool{http.StatusNotFound: true, http.StatusServiceUnavailable: false} {
		r.Faults.Add(quaytest.Fault{Name: "no manifest", Path: "/manifests/" + listed[0].Digest.String(), Times: 1, Effect: func(_ *quaytest.Quay, rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
			rw.WriteHeader(status)
		}})
		if _, _, err := r.Find(t.Context(), nil, r.expected()); err == nil || errors.As(err, new(*Invalid)) != invalid {
			t.Errorf("after %d: %v", status, err)
		}
	}
}

// Reading ends at the limit, whatever there is; and what other runs left does not hide a run's own.
func TestFindEnds(t *testing.T) {
	r := newRegistry(t)
	key, _ := newKey(t)
	keys := []*ecdsa.PublicKey{key.Public()}
	want := r.write("u-1", key)
	for i := range atOnce {
		r.forge(fmt.Append(nil, i), "u-2")
	}
	r.Store.limit = 1
	if got, err := r.Of(t.Context(), "u-1", keys, r.expected()); err != nil || got != want {
		t.Errorf("of the run: %q, %v; want %q", got, err, want)
	}
	stranger, _ := newKey(t)
	_, _, err := r.Find(t.Context(), []*ecdsa.PublicKey{stranger.Public()}, r.expected())
	if !errors.As(err, new(*Invalid)) || !strings.Contains(err.Error(), "none of the newest 8 receipts") || !strings.Contains(err.Error(), "the other 1 are not looked at") {
		t.Errorf("of a stranger: %v", err)
	}
}

// The newest comes first, whatever order the registry has, and what has no time last.
func TestNewestFirst(t *testing.T) {
	var list []v1.Descriptor
	for _, made := range []string{"", "2026-11-01T00:00:00Z", "soon", "2026-11-03T00:00:00+02:00", "2026-11-02T23:00:00Z"} {
		list = append(list, v1.Descriptor{Annotations: map[string]string{annotationCreated: made}})
	}
	newestFirst(list)
	var got []string
	for _, d := range list {
		got = append(got, d.Annotations[annotationCreated])
	}
	if diff := cmp.Diff([]string{"2026-11-02T23:00:00Z", "2026-11-03T00:00:00+02:00", "2026-11-01T00:00:00Z", "", "soon"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A manifest that is larger than any of ours is not read.
func TestFindSkipsTheLarge(t *testing.T) {
	r := newRegistry(t)
	large := v1.Descriptor{Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("1", 64)}, Size: maxManifest + 1}
	before := len(r.Requests())
	if _, n, err := r.read(t.Context(), large, nil, r.expected()); !errors.As(err, new(*Invalid)) || n != 0 || len(r.Requests()) != before {
		t.Errorf("read %d bytes, %v", n, err)
	}
}
