package push

import (
	"log/slog"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/source"
)

// progress counts what is sent and tells it, one line per blob and one from time to time: a Pod's log is no terminal. It is
// safe for concurrent use.
type progress struct {
	log   *slog.Logger
	blobs int64
	bytes int64

	sentBytes, sentBlobs, skipped atomic.Int64
}

func newProgress(log *slog.Logger, i *source.Image) *progress {
	return &progress{log: log, blobs: int64(len(i.Blobs)), bytes: i.Bytes()}
}

// add counts bytes that are on their way; a negative number takes those of a failed try back.
func (p *progress) add(n int64) { p.sentBytes.Add(n) }

// sent tells that the registry took d.
func (p *progress) sent(d v1.Descriptor) {
	p.sentBlobs.Add(1)
	p.log.Info("sent a blob", "digest", d.Digest.String(), "bytes", d.Size, "left", p.left())
}

// skip tells that the registry has d.
func (p *progress) skip(d v1.Descriptor) {
	p.skipped.Add(1)
	p.log.Info("the registry has a blob", "digest", d.Digest.String(), "bytes", d.Size, "left", p.left())
}

// left is how many blobs are neither sent nor skipped; a blob that is looked for twice counts twice.
func (p *progress) left() int64 { return max(0, p.blobs-p.sentBlobs.Load()-p.skipped.Load()) }

// start tells every interval how far the push is, until the function that it returns is called.
func (p *progress) start(every time.Duration) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		last := p.sentBytes.Load()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				now := p.sentBytes.Load()
				p.log.Info("sending", "bytes", now, "of", p.bytes, "bytes_per_second", int64(float64(now-last)/every.Seconds()),
					"blobs_left", p.left(), "blobs_skipped", p.skipped.Load())
				last = now
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
