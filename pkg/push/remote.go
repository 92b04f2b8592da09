package push

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"mime"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry/retry"
)

// remote is an image in a registry as a source. Its manifests are read before anything is sent, a blob while it is sent.
type remote struct {
	*registry
	from  origin
	retry *retry.Retrier
	key   string // of the credential, in auths; "" if there is none
	image v1.Descriptor
	body  []byte // of image
	// mountable is the repository, if it is another one of the registry that the image goes to; else empty.
	mountable string
}

// reach is what it takes to reach an image in a registry.
type reach struct {
	// to is where the image will go: in the same registry what is said of that counts for the source, too.
	to target
	// plainHTTP speaks HTTP without TLS to that one registry; tokenHost is the host of its token service, empty: its own.
	plainHTTP bool
	tokenHost string
	// sourceTokenHost is the host of the source's token service; empty: the registry's own.
	sourceTokenHost string
	// dockerconfig is the file with the credential, or its directory; anonymous pulls without one.
	dockerconfig string
	anonymous    bool
	caFile       string
	stall        time.Duration
	now          func() time.Time
	retry        *retry.Retrier
}

// openRemote finds the image that name, HOST/REPOSITORY[:TAG|@DIGEST], is the address of. The credential is the entry for
// that host and repository in --source-dockerconfig, else in --dockerconfig; a missing one is an error. --source-anonymous
// sends none, whatever the file has.
func openRemote(ctx context.Context, o opening, name string) (source, error) {
	from, err := parseOrigin(name)
	if err != nil {
		return nil, err
	}
	how := o.image
	c := config{host: from.host, repository: from.repository, role: failure.SourceRole, caFile: how.caFile, tokenHost: how.sourceTokenHost, stall: how.stall, now: how.now}
	r := &remote{from: from, retry: how.retry}
	if failure.SameHost("https", from.host, how.to.host) {
		if from.repository != how.to.repository {
			r.mountable = from.repository
		}
		c.tokenHost, c.plainHTTP = cmp.Or(how.sourceTokenHost, how.tokenHost), how.plainHTTP
	}
	if r.registry, err = newRegistry(c); err != nil {
		return nil, err
	}
	if !how.anonymous {
		match, err := findCredential(how.dockerconfig, "--source-dockerconfig", from.target)
		if reason := (*failure.Error)(nil); errors.As(err, &reason) {
			return nil, reason.Then(reason.Next + "; if anybody may pull the source, set " + failure.AnonymousFlag)
		} else if err != nil {
			return nil, err
		}
		r.credential, r.key = match.Credential, match.Key
	}
	if err := r.find(ctx); err != nil {
		r.Close()
		return nil, r.explain(ctx, err)
	}
	o.log.Info("found the source", "registry", from.host, "repository", from.repository, "key", r.key, "robot", r.credential.Username)
	return r, nil
}

// find logs in and reads the manifest.
func (r *remote) find(ctx context.Context) error {
	return r.retry.Run(ctx, "finding the source", func(ctx context.Context, _ int) error {
		actions, known, err := r.login(ctx, scopePull)
		if err != nil {
			return err
		}
		if known && !slices.Contains(actions, "pull") && !slices.Contains(actions, "*") {
			return r.whence().NoAccess("its token has no right to pull")
		}
		return r.readRoot(ctx)
	})
}

// readRoot reads what the reference names.
func (r *remote) readRoot(ctx context.Context) error {
	a, err := r.fetchManifest(ctx, r.from.reference)
	if err != nil {
		return err
	}
	got := digestOf(a.body)
	for _, want := range []string{r.from.reference, a.digest()} {
		if d, err := v1.NewHash(want); err == nil && d.String() != got {
			return failure.Corrupt("%s serves a manifest with the digest %q as %q", r.from.host, got, want).Then("look for what rewrites images on the way from there")
		}
	}
	digest, err := v1.NewHash(got)
	if err != nil {
		return err
	}
	r.body = a.body
	r.image = v1.Descriptor{MediaType: mediaType(a), Size: int64(len(a.body)), Digest: digest}
	return nil
}

// mediaType is that of the manifest in a: by its header, or by what it says itself where the header says nothing.
func mediaType(a *answer) types.MediaType {
	value, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if t := types.MediaType(value); isManifest(t) {
		return t
	}
	return types.MediaType(cmp.Or(string(guessMediaType(a.body)), value))
}

func (r *remote) root() v1.Descriptor { return r.image }

// referrers are none: who wants them in the other registry pushes them.
func (r *remote) referrers() []referrer { return nil }

// check has nothing to do: a registry takes no manifest without its blobs, and asking for each would take as long as sending
// a small image.
func (r *remote) check(context.Context, v1.Descriptor) error { return nil }

func (r *remote) open(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	if d.Digest == r.image.Digest {
		return io.NopCloser(bytes.NewReader(r.body)), nil
	}
	if !isManifest(d.MediaType) {
		return &pulled{pull: r.pull(ctx, r.retry, d), ctx: ctx, from: r}, nil
	}
	var body []byte
	err := r.retry.Run(ctx, "reading manifest "+d.Digest.String()+" of the source", func(ctx context.Context, _ int) error {
		a, err := r.fetchManifest(ctx, d.Digest.String())
		if err == nil {
			body = a.body
		}
		return err
	})
	if err != nil {
		return nil, r.explain(ctx, err)
	}
	return served{bytes.NewReader(body)}, nil
}

// whence is where the source is, for errors.
func (r *remote) whence() *failure.Origin {
	return &failure.Origin{Peer: &r.Peer, Repository: r.from.repository, User: r.credential.Username, Key: r.key, Reference: r.from.reference}
}

// explain makes an Error of what a request to the registry ended in.
func (r *remote) explain(ctx context.Context, err error) error { return r.whence().Explain(ctx, err) }

// pulled is a blob whose errors are explained.
type pulled struct {
	*pull
	ctx  context.Context
	from *remote
}

func (p *pulled) Read(b []byte) (int, error) {
	n, err := p.pull.Read(b)
	if err != nil && err != io.EOF {
		err = p.from.explain(p.ctx, err)
	}
	return n, err
}

// served is a manifest as the source's registry served it.
type served struct{ *bytes.Reader }

func (served) other(e *failure.Error) *failure.Error { return e.Then(failure.Rewritten) }

func (served) Close() error { return nil }

func (r *remote) Close() error {
	r.close()
	return nil
}
