// Package ingest tells what it costs Quay to take a layer.
package ingest

import (
	"bytes"
	"io"
	"math"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Start is how many bytes of a layer are looked at, its first ones.
const Start = 1 << 20

// From is the size in bytes from which on a layer can be slow: of a smaller one nobody would notice.
const From = 16 << 20

// Cost is what Quay takes for a layer. The zero value is one that is not slow.
type Cost struct {
	// Members says that the layer has several gzip members. Else it is one huge one.
	Members bool
	// Least and Most are how long the registry's process is busy with it, whatever the network does.
	Least, Most time.Duration
}

// Slow reports whether somebody should know.
func (c Cost) Slow() bool { return c.Most > 0 }

// Of is the cost of a layer of size bytes that begins with start, up to Start bytes of it. Quay hands each 64 KiB of a blob that is gzip
// to zlib, in Python, to count what comes out, and all of a blob that is none to nobody (quay/quay util/registry/gzipstream.py,
// data/registry_model/blobuploader.py). One blob takes one processor, however many Quay has.
func Of(size int64, start []byte) Cost {
	if size < From || !bytes.HasPrefix(start, []byte{0x1f, 0x8b}) {
		return Cost{}
	}
	if endsIn(start) {
		all := squared(size)
		return Cost{Members: true, Least: all, Most: all}
	}
	if size < huge {
		return Cost{}
	}
	return Cost{Least: at(size, fastest), Most: at(size, slowest)}
}

// What Quay's own handler took on one processor, in Python 3.11, by what was compressed: text that is nearly random went in fastest, the
// sources of programs slowest, in bytes per second of what is sent.
const (
	fastest = 95e6
	slowest = 50e6
	// huge is the size of one member from which on it is worth a word: some 10 to 20 s.
	huge = 1 << 30
)

func at(size int64, rate float64) time.Duration { return seconds(float64(size) / rate) }

// squared is the time for several members. zlib keeps what follows the first one, and every further call copies all of it: 8 MiB took
// 0.34 s, 16 MiB 1.07 s, 32 MiB 4.93 s.
func squared(size int64) time.Duration {
	const took, of = 4.93, 32 << 20
	ratio := float64(size) / of
	return seconds(took * ratio * ratio)
}

// seconds is a duration that overflows nothing.
func seconds(n float64) time.Duration {
	const most = 365 * 24 * time.Hour
	return time.Duration(math.Min(n, most.Seconds()) * float64(time.Second)).Round(100 * time.Millisecond)
}

// endsIn reports whether the first gzip member ends within start, which has more behind it. Of a stranger's start no more is unpacked
// than a layer has that compresses well.
func endsIn(start []byte) bool {
	const most = 32 * Start
	// It reads byte by byte, and so none behind the member.
	rest := bytes.NewReader(start)
	member, err := gzip.NewReader(rest)
	if err != nil {
		return false
	}
	member.Multistream(false)
	n, err := io.Copy(io.Discard, io.LimitReader(member, most))
	return err == nil && n < most && rest.Len() > 0
}
