package source

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

	"github.com/comptech-lab/quay-push/pkg/push/credential"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/push/registry/retry"
	"github.com/comptech-lab/quay-push/pkg/push/source/choice"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Remote is an image in a registry as a source. Its manifests are read before anything is sent, a blob while it is sent.
type Remote struct {
	*registry.Registry
	from  origin
	retry *retry.Retrier
	user  string // whose the credential is; "" if there is none
	key   string // of the credential, in auths; "" if it is in none
	image v1.Descriptor
	body  []byte // of image
	// Mountable is the repository, if it is another one of the registry that the image goes to; else empty.
	Mountable string
}

// Reach is what it takes to reach an image in a registry.
type Reach struct {
	// To is where the image will go: in the same registry what is said of that counts for the source, too.
	To registry.Target
	// PlainHTTP speaks HTTP without TLS to that one registry; TokenHost is the host of its token service, empty: its own.
	PlainHTTP bool
	TokenHost string
	// SourceTokenHost is the host of the source's token service; empty: the registry's own.
	SourceTokenHost string
	// Dockerconfig is the file with the credential, or its directory; Anonymous pulls without one. Credential, of User, is for that one
	// registry in place of the file; nil: the file has it.
	Dockerconfig string
	Anonymous    bool
	Credential   credential.Source
	User         string
	// CAFile is a PEM file of authorities to trust beside the system's; empty: none.
	CAFile string
	// Stall is how long a body may stand still.
	Stall time.Duration
	// Now tells the time.
	Now func() time.Time
	// Retry tries requests again.
	Retry *retry.Retrier
}

// openRemote finds the image that name, HOST/REPOSITORY[:TAG|@DIGEST], is the address of. The credential is the entry for
// that host and repository in --source-dockerconfig, else in --dockerconfig; a missing one is an error. --source-anonymous
// sends none, whatever the file has.
func openRemote(ctx context.Context, o Options, name string) (Source, error) {
	from, err := parseOrigin(name)
	if err != nil {
		return nil, err
	}
	how := o.Image
	c := registry.Config{Host: from.Host, Repository: from.Repository, Role: failure.SourceRole, CAFile: how.CAFile, TokenHost: how.SourceTokenHost, Stall: how.Stall, Now: how.Now}
	r := &Remote{from: from, retry: how.Retry}
	same := failure.SameHost("https", from.Host, how.To.Host)
	if same {
		if from.Repository != how.To.Repository {
			r.Mountable = from.Repository
		}
		c.TokenHost, c.PlainHTTP = cmp.Or(how.SourceTokenHost, how.TokenHost), how.PlainHTTP
	}
	if r.Registry, err = registry.New(c); err != nil {
		return nil, err
	}
	switch {
	case how.Anonymous:
	case same && how.Credential != nil:
		r.Credential, r.user = how.Credential, how.User
	default:
		found, err := credential.Find(how.Dockerconfig, "--source-dockerconfig", from.Host, from.Repository)
		if reason := (*failure.Error)(nil); errors.As(err, &reason) {
			return nil, reason.Then(reason.Next + "; if anybody may pull the source, set " + failure.AnonymousFlag)
		} else if err != nil {
			return nil, err
		}
		r.Credential, r.user, r.key = found, found.Credential.Username, found.Key
	}
	if err := r.find(ctx); err != nil {
		r.Close()
		return nil, r.explain(ctx, err)
	}
	o.Log.Info("found the source", "registry", from.Host, "repository", from.Repository, "key", r.key, "robot", shown.Robot(r.user))
	return r, nil
}

// find logs in and reads the manifest.
func (r *Remote) find(ctx context.Context) error {
	return r.retry.Run(ctx, "finding the source", func(ctx context.Context, _ int) error {
		actions, known, err := r.Login(ctx, registry.ScopePull)
		if err != nil {
			return err
		}
		if known && !slices.Contains(actions, "pull") && !slices.Contains(actions, "*") {
			return r.origin().NoAccess("its token has no right to pull")
		}
		return r.readRoot(ctx)
	})
}

// readRoot reads what the reference names.
func (r *Remote) readRoot(ctx context.Context) error {
	a, err := r.FetchManifest(ctx, r.from.reference)
	if err != nil {
		return err
	}
	got := document.DigestOf(a.Body)
	for _, want := range []string{r.from.reference, a.Digest()} {
		if d, err := v1.NewHash(want); err == nil && d.String() != got {
			return failure.Corrupt("%s serves a manifest with the digest %q as %q", r.from.Host, got, want).Then("look for what rewrites images on the way from there")
		}
	}
	digest, err := v1.NewHash(got)
	if err != nil {
		return err
	}
	r.body = a.Body
	r.image = v1.Descriptor{MediaType: mediaType(a), Size: int64(len(a.Body)), Digest: digest}
	return nil
}

// mediaType is that of the manifest in a: by its header, or by what it says itself where the header says nothing.
func mediaType(a *registry.Answer) types.MediaType {
	value, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if t := types.MediaType(value); document.IsManifest(t) {
		return t
	}
	return types.MediaType(cmp.Or(string(document.GuessMediaType(a.Body)), value))
}

func (r *Remote) root() v1.Descriptor { return r.image }

// referrers are none: who wants them in the other registry pushes them.
func (r *Remote) referrers() []choice.Referrer { return nil }

// check has nothing to do: a registry takes no manifest without its blobs, and asking for each would take as long as sending
// a small image.
func (r *Remote) check(context.Context, v1.Descriptor) error { return nil }

func (r *Remote) open(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	if d.Digest == r.image.Digest {
		return io.NopCloser(bytes.NewReader(r.body)), nil
	}
	if !document.IsManifest(d.MediaType) {
		return &pulled{Pull: r.Pull(ctx, r.retry, d), ctx: ctx, from: r}, nil
	}
	var body []byte
	err := r.retry.Run(ctx, "reading manifest "+d.Digest.String()+" of the source", func(ctx context.Context, _ int) error {
		a, err := r.FetchManifest(ctx, d.Digest.String())
		if err == nil {
			body = a.Body
		}
		return err
	})
	if err != nil {
		return nil, r.explain(ctx, err)
	}
	return served{bytes.NewReader(body)}, nil
}

// origin is where the source is, for errors.
func (r *Remote) origin() *failure.Origin {
	return &failure.Origin{Peer: &r.Peer, Repository: r.from.Repository, User: r.user, Key: r.key, Reference: r.from.reference}
}

// explain makes an Error of what a request to the registry ended in.
func (r *Remote) explain(ctx context.Context, err error) error { return r.origin().Explain(ctx, err) }

// pulled is a blob whose errors are explained.
type pulled struct {
	*registry.Pull
	ctx  context.Context
	from *Remote
}

func (p *pulled) Read(b []byte) (int, error) {
	n, err := p.Pull.Read(b)
	if err != nil && err != io.EOF {
		err = p.from.explain(p.ctx, err)
	}
	return n, err
}

// served is a manifest as the source's registry served it.
type served struct{ *bytes.Reader }

// Other advises to look for what rewrites manifests on the way.
func (served) Other(e *failure.Error) *failure.Error { return e.Then(failure.Rewritten) }

func (served) Close() error { return nil }

func (r *Remote) Close() error {
	r.Registry.Close()
	return nil
}
