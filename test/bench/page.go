package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// own is the client that the others are held against.
const own = "push-image"

// publish writes JSON, page and plot.
func (r *results) publish(root string) error {
	return errors.Join(r.Write(root, r.table()), r.plot(filepath.Join(root, plotFile)))
}

// peers are the columns of the table.
var peers = []string{"crane", "regctl", "skopeo", "podman"}

// table is the results in Markdown.
func (r *results) table() string {
	var b strings.Builder
	b.WriteString("| time of the peer ÷ time of push-image | crane | regctl | skopeo | podman |\n|---|---|---|---|---|\n")
	for _, one := range r.Cases {
		if len(one.Clients) < 2 || one.Unpacks {
			continue
		}
		fmt.Fprintf(&b, "| %s |", one.Title)
		for _, peer := range peers {
			c, ok := r.get(one.Case, peer)
			fmt.Fprintf(&b, " %s |", cell(c, ok))
		}
		b.WriteString("\n")
		if one.RTTMillis > 0 || one.Clients[0].PathCPURatio == 0 {
			continue
		}
		fmt.Fprintf(&b, "| … processor time of client, nginx and registry |")
		for _, peer := range peers {
			c, _ := r.get(one.Case, peer)
			fmt.Fprintf(&b, " %.2f |", c.PathCPURatio)
		}
		b.WriteString("\n")
	}
	r.unpacking(&b)
	b.WriteString("\n| of push-image | seen | must be |\n|---|---|---|\n")
	for _, row := range r.limits() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", row[0], row[1], row[2])
	}
	return b.String()
}

// unpacking is the table of the cases in which the registry takes as long for blobs as Quay does.
func (r *results) unpacking(b *strings.Builder) {
	columns := []string{own, "crane", "regctl", "skopeo"}
	b.WriteString("\n| docker-archive, Quay unpacks: time ÷ time of push-image with zstd | push-image with gzip | crane | regctl | skopeo |\n|---|---|---|---|---|\n")
	for _, one := range r.Cases {
		if !one.Unpacks {
			continue
		}
		fmt.Fprintf(b, "| %s |", one.Title)
		for _, name := range columns {
			c, ok := r.get(one.Case, name)
			fmt.Fprintf(b, " %s |", cell(c, ok))
		}
		b.WriteString("\n")
	}
}

// cell is one ratio and the mark that it reached what it must or not.
func cell(c clientResult, ok bool) string {
	switch {
	case !ok:
		return "cannot"
	case c.Least == 0:
		return fmt.Sprintf("%.2f", c.Ratio)
	case c.Ratio < c.Least:
		return fmt.Sprintf("**%.2f** (target ≥ %.3g) ✗", c.Ratio, c.Least)
	}
	return fmt.Sprintf("%.2f (target ≥ %.3g) ✓", c.Ratio, c.Least)
}

// limits are the rows about push-image alone.
func (r *results) limits() (rows [][3]string) {
	add := func(what, seen, limit string, reached bool) {
		mark := " ✓"
		if !reached {
			mark = " ✗"
		}
		rows = append(rows, [3]string{what, seen + mark, limit})
	}
	if near, ok := r.get("again-0", own); ok {
		if far, ok := r.get("again-20", own); ok {
			add("requests of a push of what is there", fmt.Sprintf("%.0f", median(far.Requests)), "≤ 6", median(far.Requests) <= 6)
			trips := roundTrips(near, far)
			add("round trips of it, TCP and TLS counted", fmt.Sprintf("%.1f", trips), "≤ 4", trips > 0 && trips < 4.5)
		}
	}
	if c, ok := r.get("start", own); ok {
		add("process start to first request", fmt.Sprintf("%.0f ms", 1000*median(c.Seconds)), "≤ 30 ms", median(c.Seconds) <= 0.030)
	}
	if c, ok := r.get("memory-10", own); ok {
		add("peak of memory for 10 GiB", fmt.Sprintf("%.0f MiB", c.PeakMiB), "≤ 48 MiB", c.PeakMiB > 0 && c.PeakMiB <= 48)
		if one, ok := r.get("memory-1", own); ok {
			add("of which more than for 1 GiB", fmt.Sprintf("%.0f MiB", c.PeakMiB-one.PeakMiB), "≤ 8 MiB", c.PeakMiB-one.PeakMiB <= 8)
		}
	}
	if c, ok := r.get("size", own); ok {
		add("program, compressed", fmt.Sprintf("%.1f MiB", c.CompressedMiB), "≤ 12 MiB", c.CompressedMiB > 0 && c.CompressedMiB <= 12)
	}
	return rows
}

// roundTrips is how often a client waits for the other side: what 20 ms more for each cost it. Nothing makes a push wait
// less than it must, so the fastest counts.
func roundTrips(near, far clientResult) float64 {
	if len(near.Seconds) == 0 || len(far.Seconds) == 0 {
		return 0
	}
	return (slices.Min(far.Seconds) - slices.Min(near.Seconds)) / 0.020
}
