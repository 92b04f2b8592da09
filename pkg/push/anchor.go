package push

import (
	"flag"
	"strconv"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/stepargs"
)

// anchorFlag defines --anchor, which is on by default.
func (o *Options) anchorFlag(fs *flag.FlagSet) {
	fs.Var(stepargs.Negated{Off: &o.NoAnchor}, "anchor", "set the tag digest-<first 32 hex> beside the others, which keeps the digest when they move on; --anchor=false sets none (default true)")
}

// target is where the image goes, with the tags that were given. The error is a usage error.
func (o Options) target() (registry.Target, error) {
	to, err := registry.ParseTarget(o.ImageRef, o.Tags)
	if err == nil && o.NoAnchor && len(to.Tags) == 0 {
		err = failure.Usage("%s is false, and there is no tag: Quay would drop the image after an hour", failure.AnchorFlag).Then(
			"give a tag in " + failure.TagFlag + ", or leave the anchor on")
	}
	return to, err
}

// isAnchor reports whether tag is the anchor of the image that is pushed.
func (p *pusher) isAnchor(tag string) bool { return tag == reference.Anchor(p.image.Digest) }

// nextOfImmutable is the next step where tag has another digest and may not move.
func (p *pusher) nextOfImmutable(tag string) string {
	switch {
	case p.isAnchor(tag):
		return "have an administrator of the repository delete that tag: it bears the digest's name, and somebody else set it; " + failure.AnchorFlag + " false pushes without it"
	case p.opts.NoAnchor:
		return "choose a new tag in " + failure.TagFlag + "; the image is in the registry by its digest for an hour"
	}
	return "choose a new tag in " + failure.TagFlag + "; the image is in the registry already, under its anchor " + strconv.Quote(reference.Anchor(p.image.Digest))
}
