package push

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry/retry"
)

// looks is how often what was written is read, with growing pauses: a registry with read replicas serves it a little later.
const looks = 7

// await reads, most times, what the registry has under a tag or digest, and returns what it was last: at the deadline that
// counts, too. It reads again whatever is not what was pushed: a replica that lags behind may serve nothing, what was there
// before, or what was there since a read before the write that was stale itself.
func (p *pusher) await(ctx context.Context, reference string, most int) (now string, err error) {
	for i := range most {
		seen, err := p.fetch(ctx, []string{reference})
		if err != nil && (i == 0 || !failure.TimeIsOver(ctx)) {
			return "", err
		} else if err != nil {
			break
		}
		now = seen[reference]
		if now == p.image.Digest || i == most-1 {
			break
		}
		pause := min(p.opts.RetryPause<<i, retry.MaxPause)
		p.log.Warn("the registry does not serve yet what was pushed", "reference", reference, "digest", now, "pause", pause.String())
		if err := retry.Sleep(ctx, pause); err != nil && !failure.TimeIsOver(ctx) {
			return "", err
		} else if err != nil {
			break
		}
	}
	return now, nil
}

// readBack compares what the registry serves, by digest and by tag, with the source's bytes.
func (p *pusher) readBack(ctx context.Context, before state) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(p.opts.Jobs)
	for _, reference := range append([]string{p.image.Digest}, p.to.Tags...) {
		group.Go(func() error {
			now, err := p.await(groupCtx, reference, looks)
			if err != nil || now == p.image.Digest {
				return err
			}
			return p.notServed(ctx, reference, now, before[reference])
		})
	}
	return group.Wait()
}

// notServed is the error for a tag or digest under which the registry does not serve what was pushed, however often it is asked.
func (p *pusher) notServed(ctx context.Context, reference, now, before string) error {
	const stale = "run it again: nothing is sent twice; if it stays so, ask who runs the registry whether its read replicas lag behind"
	var e *failure.Error
	switch {
	case now == "":
		e = failure.NotVerified("the registry took %q and does not serve it", reference).Then(stale)
	case reference == p.image.Digest:
		e = failure.NotVerified("the registry serves %q under the digest %q", now, reference)
	case now == before:
		e = failure.NotVerified("the registry set tag %q and still serves what it was before", reference).Then(stale + ", or whether another run set the tag back")
	default:
		e = &failure.Error{Class: failure.ClassTagMoved, Problem: fmt.Sprintf("tag %q points at other than what was pushed", reference),
			Next: "another run pushed the same tag: give each run its own in " + failure.TagFlag +
				"; if none did, ask who runs the registry whether its read replicas lag behind"}
	}
	e.Proof = fmt.Sprintf("it is %q, the push was %q", now, p.image.Digest)
	if failure.TimeIsOver(ctx) {
		(&failure.Late{}).AddTo(e)
	}
	return e
}
