package push

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// remote is an image in a registry as a source. Its manifests are read before anything is sent, a blob while it is sent.
type remote struct {
	*registry
	from  origin
	retry *retrier
	key   string // of the credential, in auths; "" if there is none
	image v1.Descriptor
	body  []byte // of image
}

// openRemote finds the image that name, HOST/REPOSITORY[:TAG|@DIGEST], is the address of. The credential is the entry for
// that host and repository in --source-dockerconfig, else in --dockerconfig; a missing one is an error. --source-anonymous
// sends none, whatever the file has.
func openRemote(ctx context.Context, p *pusher, name string) (source, error) {
	from, err := parseOrigin(name)
	if err != nil {
		return nil, err
	}
	r := &remote{from: from, retry: p.retry}
	base := url.URL{Scheme: "https", Host: from.host}
	tokenHost := cmp.Or(p.opts.SourceTokenHost, from.host)
	if sameHost(base.Scheme, from.host, p.to.host) {
		if from.repository != p.to.repository {
			p.mountFrom = from.repository
		}
		tokenHost = cmp.Or(p.opts.SourceTokenHost, p.opts.TokenHost, from.host)
		if p.opts.PlainHTTP {
			base.Scheme = "http"
		}
	}
	if err := checkProxy(base.Scheme); err != nil {
		return nil, err
	}
	transport, err := newTransport(p.opts.CAFile)
	if err != nil {
		return nil, err
	}
	r.registry = &registry{base: base, repository: from.repository, role: sourceRole, caFile: p.opts.CAFile, tokenHost: tokenHost, client: newClient(transport),
		stall: p.opts.StallTimeout, now: p.opts.Now}
	if !p.opts.SourceAnonymous {
		match, err := findCredential(cmp.Or(p.opts.SourceDockerconfig, p.opts.Dockerconfig), "--source-dockerconfig", from.target)
		if failure := (*Error)(nil); errors.As(err, &failure) {
			return nil, failure.then(failure.Next + "; if anybody may pull the source, set " + anonymousFlag)
		} else if err != nil {
			return nil, err
		}
		r.credential, r.key = match.Credential, match.Key
	}
	if err := r.find(ctx); err != nil {
		r.Close()
		return nil, r.explain(ctx, err)
	}
	p.log.Info("found the source", "registry", from.host, "repository", from.repository, "key", r.key, "robot", r.credential.Username)
	return r, nil
}

// find logs in and reads the manifest.
func (r *remote) find(ctx context.Context) error {
	return r.retry.run(ctx, "finding the source", func(ctx context.Context, _ int) error {
		actions, known, err := r.login(ctx, scopePull)
		if err != nil {
			return err
		}
		if known && !slices.Contains(actions, "pull") && !slices.Contains(actions, "*") {
			return r.noAccess("its token has no right to pull")
		}
		return r.readRoot(ctx)
	})
}

// readRoot reads what the reference names.
func (r *remote) readRoot(ctx context.Context) error {
	a, err := r.manifest(ctx, r.from.reference)
	if err != nil {
		return err
	}
	got := digestOf(a.body)
	for _, want := range []string{r.from.reference, a.digest()} {
		if d, err := v1.NewHash(want); err == nil && d.String() != got {
			return corrupt("%s serves a manifest with the digest %q as %q", r.from.host, got, want).then("look for what rewrites images on the way from there")
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

// manifest gets the manifest under a tag or digest.
func (r *remote) manifest(ctx context.Context, reference string) (*answer, error) {
	a, err := r.do(ctx, call{method: http.MethodGet, url: r.url("manifests/"+reference, nil), header: http.Header{"Accept": {accepted}}})
	switch {
	case err != nil:
		return nil, err
	case !a.ok(http.StatusOK):
		return nil, a.err()
	case len(a.body) > maxManifest:
		return nil, refused("the manifest %q on %s has more than %d bytes", reference, r.from.host, maxManifest).then("make the manifest smaller, with fewer layers, platforms or annotations: registries take no larger ones")
	}
	// What begins as a manifest is one, if a bad one, unless a server says why there is none.
	if err := a.checkManifest(); err != nil && (!bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("{")) || json.Valid(a.body)) {
		return nil, err
	}
	return a, nil
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
		return &pull{ctx: ctx, remote: r, blob: d}, nil
	}
	var body []byte
	err := r.retry.run(ctx, "reading manifest "+d.Digest.String()+" of the source", func(ctx context.Context, _ int) error {
		a, err := r.manifest(ctx, d.Digest.String())
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

// served is a manifest as the source's registry served it.
type served struct{ *bytes.Reader }

func (served) other(e *Error) *Error { return e.then(rewritten) }

func (served) Close() error { return nil }

func (r *remote) Close() error {
	r.client.CloseIdleConnections()
	return nil
}
