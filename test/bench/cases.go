package main

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/comptech-lab/quay-push/test/bench/client"
	"github.com/comptech-lab/quay-push/test/bench/image"
)

const (
	kib = int64(1) << 10
	mib = int64(1) << 20
	gib = int64(1) << 30
)

// benchCase is one row of the table.
type benchCase struct {
	name, title string
	source      *source
	rtt         time.Duration
	// again measures a push of what is in the registry already.
	again bool
	// unpacks has the registry take as long for blobs as Quay does; then push-image with zstd is what the others are held against.
	unpacks bool
	// least is how many times as long each peer has to take, by its name.
	least map[string]float64
	// measure is how the case is run.
	measure func(ctx context.Context, b *bench, c benchCase) ([]clientResult, error)
}

// source is an image and how it is made, once for all cases that name it.
type source struct {
	name string
	kind string
	make func(path string) error
}

var (
	large = &source{"large", client.Layout, func(path string) error { return image.Layout(path, times(8, 64*mib)) }}
	small = &source{"small", client.Layout, func(path string) error { return image.Layout(path, spread(60, 64*kib, mib)) }}
	few   = &source{"few", client.Layout, func(path string) error { return image.Layout(path, times(8, mib)) }}
	plain = &source{"plain.tar", client.Archive, func(path string) error {
		return image.Archive(path, []int64{256 * mib, 128 * mib, 64 * mib, 32 * mib, 16 * mib, 16 * mib})
	}}
	jars     = &source{"jars.tar", client.Archive, func(path string) error { return image.ArchiveOfPacked(path, []int64{512 * mib}) }}
	sparse1  = &source{"sparse1", client.Layout, func(path string) error { return image.Sparse(path, times(1, gib)) }}
	sparse10 = &source{"sparse10", client.Layout, func(path string) error { return image.Sparse(path, times(10, gib)) }}
)

// How many times as long as push-image the peers must take.
var (
	asFast  = map[string]float64{"crane": 1 / 1.05, "regctl": 1 / 1.05, "skopeo": 1 / 1.05, "podman": 1 / 1.05}
	distant = map[string]float64{"crane": 5, "regctl": 5, "skopeo": 1.3, "podman": 1.3}
	half    = map[string]float64{"crane": 1.5, "regctl": 1.5, "skopeo": 1.5, "podman": 1.5}
	packed  = map[string]float64{"crane": 4, "skopeo": 1.5, "podman": 1.5}
	zstd    = map[string]float64{"push-image": 3, "crane": 4, "regctl": 1, "skopeo": 1}
	faster  = map[string]float64{"crane": 1, "regctl": 1, "skopeo": 1, "podman": 1}
)

var cases = []benchCase{
	{name: "large-0", title: "8 × 64 MiB layout, RTT 0", source: large, least: asFast, measure: race},
	{name: "large-5", title: "8 × 64 MiB layout, RTT 5 ms", source: large, rtt: 5 * time.Millisecond, least: distant, measure: race},
	{name: "large-20", title: "8 × 64 MiB layout, RTT 20 ms", source: large, rtt: 20 * time.Millisecond, least: distant, measure: race},
	{name: "small-20", title: "60 layers of 64 KiB–1 MiB, RTT 20 ms", source: small, rtt: 20 * time.Millisecond, least: half, measure: race},
	{name: "archive-0", title: "docker-archive, uncompressed, 512 MiB, RTT 0", source: plain, least: packed, measure: race},
	{name: "quay-layers", title: "6 layers, 512 MiB of text", source: plain, unpacks: true, least: zstd, measure: race},
	{name: "quay-huge", title: "1 layer, 512 MiB, half of it packed already", source: jars, unpacks: true, least: zstd, measure: race},
	{name: "again-0", title: "nothing changed, RTT 0", source: few, again: true, least: faster, measure: race},
	{name: "again-20", title: "nothing changed, RTT 20 ms", source: few, rtt: 20 * time.Millisecond, again: true, least: faster, measure: race},
	{name: "start", title: "process start to first request", source: few, measure: start},
	{name: "memory-1", title: "memory, 1 GiB layout", source: sparse1, measure: memory},
	{name: "memory-10", title: "memory, 10 GiB layout", source: sparse10, measure: memory},
	{name: "size", title: "program, gzip", measure: size},
}

// CaseName is what -case selects by.
func (c benchCase) CaseName() string { return c.name }

// times is n layers of the same size.
func times(n int, size int64) []int64 {
	sizes := make([]int64, n)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

// spread is n layers of least to most bytes, as many of each magnitude.
func spread(n int, least, most int64) []int64 {
	random := rand.New(rand.NewPCG(20261124, 1))
	sizes := make([]int64, n)
	for i := range sizes {
		sizes[i] = int64(float64(least) * math.Pow(float64(most)/float64(least), random.Float64()))
	}
	return sizes
}

// at makes s in dir, unless it is there.
func (s *source) at(dir string) (client.Source, error) {
	made := client.Source{Kind: s.kind, Path: filepath.Join(dir, s.name)}
	if exists(made.Path) {
		return made, nil
	}
	return made, s.make(made.Path)
}
