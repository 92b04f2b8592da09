package gitops

import (
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/steplog"
)

// Options say which overlay gets which digest, and in which repository. Each field but the last two is a flag.
type Options struct {
	// Repository is the URL of the GitOps repository, https://HOST[:PORT]/PATH, without a user. The credential goes to HOST alone,
	// byte for byte what stands before the first slash of the path: an admission policy compares it with git-hosts.
	Repository string
	// TargetBranch is the branch that the merge request goes into; it is only read. Empty: main.
	TargetBranch string
	// Team and App are the directories apps/<team>/<app> of the overlay. The environment is dev: CI writes no other.
	Team, App string
	// OverlayImage is what a push reported, one item of images as JSON. Image and Digest say the same in two values;
	// give one or the other.
	OverlayImage, Image, Digest string
	// SourceCommit is the commit that was built; it names the branch ci/dev/<first 8 hex>. Empty: the digest does.
	SourceCommit string
	// Credential is a directory with the files username, and password or token; empty: none is sent.
	Credential string
	// Author is who commits, "Name <address>"; empty: defaultAuthor.
	Author string
	// MergeRequest asks GitLab to open a merge request, with the push.
	MergeRequest bool
	// CAFile is a PEM file of authorities to trust beside the system's; empty: none.
	CAFile string
	// PlainHTTP allows a repository with an http URL. The credential goes over the network for all to read.
	PlainHTTP bool
	// ResultsDir is the directory that gets branch, commit and changed, or from WriteFailure failure; empty: none are written.
	ResultsDir string
	// Workspace is the directory that gets evidence/image-digest.txt and evidence/evidence.json; empty: none are written.
	Workspace string
	// PipelineRun is the run's name, for the evidence.
	PipelineRun string
	// Timeout is how long all of it may take; 0: five minutes.
	Timeout time.Duration
	// LogFormat is text or json; empty: text.
	LogFormat string

	// LogOutput gets one line per event; nil: nothing does.
	LogOutput io.Writer
	// Now tells the time; nil: time.Now.
	Now func() time.Time
}

// Defaults of the flags.
const (
	defaultTargetBranch = "main"
	defaultAuthor       = "quay-push <quay-push@localhost>"
	defaultTimeout      = 5 * time.Minute
)

// Logger returns the logger that the options ask for; an unknown format is taken for text.
func (o Options) Logger() *slog.Logger { return steplog.New(o.LogOutput, o.LogFormat) }

var (
	commitPattern = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	branchPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)
)

// change is what the options ask for, read and checked.
type change struct {
	overlay overlay.Overlay
	pin     overlay.Pin
	branch  string // short, ci/dev/…
	author  author
	// origin is scheme://host[:port] of the repository.
	origin      string
	authorities *x509.CertPool // nil: the system's
}

// message is the commit's.
func (c change) message() string {
	return "bump: " + c.overlay.String() + " @" + overlay.Short(c.pin.Digest)
}

// complete fills the defaults in and checks what needs neither network nor repository.
func (o *Options) complete() (change, error) {
	for _, d := range []struct {
		value    *string
		fallback string
	}{{&o.TargetBranch, defaultTargetBranch}, {&o.Author, defaultAuthor}} {
		if *d.value == "" {
			*d.value = d.fallback
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	c := change{overlay: overlay.Overlay{Team: o.Team, App: o.App, Env: overlay.Environments[0]}}
	for _, step := range []func(*change) error{o.checkRepository, o.readPin, o.nameBranch, o.readAuthor, o.readAuthorities} {
		if err := step(&c); err != nil {
			return change{}, err
		}
	}
	if o.Timeout < 0 {
		return change{}, usageError("give a time such as 5m, or leave it out", "--timeout is negative")
	}
	if !steplog.Known(o.LogFormat) {
		return change{}, usageError("use text or json", "--log-format is %q, not text or json", o.LogFormat)
	}
	return c, nil
}

func (o *Options) readPin(c *change) error {
	c.pin = overlay.Pin{Image: o.Image, Digest: o.Digest}
	if o.OverlayImage != "" {
		if o.Image != "" || o.Digest != "" {
			return usageError("give one or the other", "--overlay-image says what --image and --digest say")
		}
		var err error
		if c.pin, err = overlay.ParsePin(o.OverlayImage); err != nil {
			return usageError("give the result overlay-image of the push as it is", "%v", err)
		}
	}
	if c.pin.Image == "" {
		return usageError("give --overlay-image, or --image and --digest", "--image is missing")
	}
	if refusal := (*overlay.Refusal)(nil); errors.As(overlay.CheckDigest(c.pin.Digest), &refusal) {
		return usageError(refusal.Next, "--digest: %s", refusal.Problem)
	}
	return nil
}

// nameBranch names the branch. It can be no other than ci/dev/…, whatever the options say.
func (o *Options) nameBranch(c *change) error {
	short := overlay.Short(c.pin.Digest)
	if o.SourceCommit != "" {
		if !commitPattern.MatchString(o.SourceCommit) {
			return usageError("give the hash of the commit that was built, or leave it out", "--source-commit %q is not 7 to 64 hex", o.SourceCommit)
		}
		short = o.SourceCommit[:min(len(short), len(o.SourceCommit))]
	}
	c.branch = "ci/" + c.overlay.Env + "/" + short
	if !branchPattern.MatchString(o.TargetBranch) || strings.Contains(o.TargetBranch, "..") || strings.HasPrefix(o.TargetBranch, "ci/") {
		return usageError("give the branch that merge requests go into, such as main; ci/ is for what CI writes", "--target-branch %q is no branch for merge requests", o.TargetBranch)
	}
	return nil
}
