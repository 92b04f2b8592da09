package registry

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// What Quay's own handler took for each 64 KiB of a blob (quay/quay data/registry_model/blobuploader.py, util/registry/gzipstream.py), in
// Python 3.11 on one processor: 94 MB/s of text that is nearly random, of which gzip left 0.84; 68 MB/s of programs, 0.30; 52 MB/s of
// Python's sources, 0.20. That is a time for each byte that came in, and one for each that came out of zlib, within 5 % of all three.
// What is not gzip went in at 1181 MB/s, as fast as SHA-256, which distribution does here.
const (
	perPacked   = 8.0 / 1e9  // seconds
	perUnpacked = 2.25 / 1e9 // seconds
	// copied is how many bytes in a second zlib copies of what follows the first member, all of it with every piece: so 32 MiB of several
	// members took 4.93 s, 16 MiB 1.07 s and 8 MiB 0.34 s.
	copied = 1.75e9
	piece  = 64 << 10
	// sampled is how much of a blob tells what comes out of it.
	sampled = 1 << 20
	// processors are Quay's. One blob takes one of them.
	processors = 4
	// turn is how long a blob takes a processor at a time: long enough that a timer's error is small.
	turn = 5 * time.Millisecond
)

// unpacking is a registry that takes as long for blobs as Quay does, on processors that are not this machine's: what they would work, it
// waits.
type unpacking struct {
	next http.Handler
	free chan struct{}
	wait func(ctx context.Context, d time.Duration)
}

func newUnpacking(next http.Handler) *unpacking {
	return &unpacking{next: next, free: make(chan struct{}, processors), wait: wait}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (u *unpacking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/blobs/uploads/") {
		r.Body = &unpacked{ReadCloser: r.Body, ctx: r.Context(), by: u}
	}
	u.next.ServeHTTP(w, r)
}

// unpacked is the body of a request that has a blob, or a chunk of one. Like Quay it looks at each request alone.
type unpacked struct {
	io.ReadCloser
	ctx context.Context
	by  *unpacking
	// sample is the start, until perByte is known.
	sample  []byte
	perByte float64
	known   bool
	// behind is how long the work takes that was not waited for.
	behind time.Duration
	// following are the bytes behind the first member; -1 where it goes on.
	following int64
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if !u.known {
		u.sample = append(u.sample, p[:n]...)
		if len(u.sample) >= sampled || err != nil {
			u.judge()
		}
	} else {
		u.add(int64(n))
	}
	if u.behind >= turn || err != nil && u.behind > 0 {
		u.work()
	}
	return n, err
}

// judge finds out what the blob is and counts the work for its start.
func (u *unpacked) judge() {
	u.known, u.following = true, -1
	if bytes.HasPrefix(u.sample, []byte{0x1f, 0x8b}) {
		in, out, ended := unpack(u.sample)
		u.perByte = perPacked
		if in > 0 {
			u.perByte += perUnpacked * float64(out) / float64(in)
		}
		u.add(in)
		if ended {
			u.following = 0
			u.add(int64(len(u.sample)) - in)
		}
	}
	u.sample = nil
}

// add counts the work for n more bytes.
func (u *unpacked) add(n int64) {
	if u.following < 0 {
		u.behind += seconds(u.perByte * float64(n))
		return
	}
	// The pieces of n bytes copy what was there before them, and what each adds.
	pieces := float64(n) / piece
	u.behind += seconds(pieces * (float64(u.following) + float64(n)/2) / copied)
	u.following += n
}

// work waits for what is behind, as soon as a processor is free. A timer that comes late has done more of it.
func (u *unpacked) work() {
	select {
	case u.by.free <- struct{}{}:
	case <-u.ctx.Done():
		return
	}
	defer func() { <-u.by.free }()
	began := time.Now()
	u.by.wait(u.ctx, u.behind)
	u.behind -= max(u.behind, time.Since(began))
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// unpack reads the first gzip member of start. It returns how much of start it took, how much that is unpacked, and whether the member
// ended; one that does not took all.
func unpack(start []byte) (in, out int64, ended bool) {
	rest := bytes.NewReader(start)
	member, err := gzip.NewReader(rest)
	if err != nil {
		return int64(len(start)), 0, false
	}
	member.Multistream(false)
	out, err = io.Copy(io.Discard, member)
	if err != nil {
		return int64(len(start)), out, false
	}
	return int64(len(start) - rest.Len()), out, true
}
