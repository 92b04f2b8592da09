package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/internal/benchmark"
)

// results are all cases, as docs/benchmarks/results.json keeps them.
type results struct{ benchmark.Results[result] }

// result is one case. Absolute numbers depend on the machine; the ratios are what counts.
type result struct {
	Case      string `json:"case"`
	Title     string `json:"title"`
	RTTMillis int64  `json:"rttMillis"`
	// Unpacks says that the registry took as long for blobs as Quay does.
	Unpacks bool `json:"unpacks,omitempty"`
	// Time is when it was run, and Load what the machine did then, in processes that wanted a processor.
	Time    string         `json:"time"`
	Load    string         `json:"load"`
	Clients []clientResult `json:"clients"`
}

// CaseName is the case that it is of.
func (r result) CaseName() string { return r.Case }

// clientResult is what one client took in one case, an entry per round.
type clientResult struct {
	Name       string    `json:"name"`
	Version    string    `json:"version"`
	Seconds    []float64 `json:"seconds,omitempty"`
	CPUSeconds []float64 `json:"cpuSeconds,omitempty"`
	// PathCPUSeconds is the processor time of the client, nginx and the registry together, and of the relay where there is one.
	PathCPUSeconds []float64 `json:"pathCPUSeconds,omitempty"`
	Requests       []int     `json:"requests,omitempty"`
	// Ratio is the median over the rounds of its time divided by push-image's in the same round.
	Ratio float64 `json:"ratio,omitempty"`
	// PathCPURatio is the same of PathCPUSeconds. Where everything runs on the same processors, they are what is waited for.
	PathCPURatio float64 `json:"pathCPURatio,omitempty"`
	// Least is what Ratio must reach; 0: anything.
	Least         float64 `json:"least,omitempty"`
	PeakMiB       float64 `json:"peakMiB,omitempty"`
	CompressedMiB float64 `json:"compressedMiB,omitempty"`
	// Note says why there are no numbers.
	Note string `json:"note,omitempty"`
}

// page is where the results go; the plot is beside them.
var page = benchmark.Page{Results: "docs/benchmarks/results.json", Markdown: "docs/benchmarks.md", Target: "bench-push", Cases: benchmark.Names(cases)}

const plotFile = "docs/benchmarks/speedup.png"

// compare fills the ratios in; the first of clients is what the others are held against.
func compare(clients []clientResult) {
	first := clients[0]
	for i := range clients {
		one := &clients[i]
		one.Ratio, one.PathCPURatio = ratio(one.Seconds, first.Seconds), ratio(one.PathCPUSeconds, first.PathCPUSeconds)
	}
}

// ratio is the median of the rounds' ratios, so that a slow minute slows both sides of it.
func ratio(values, others []float64) float64 {
	var ratios []float64
	for round := range min(len(values), len(others)) {
		ratios = append(ratios, values[round]/others[round])
	}
	return median(ratios)
}

// median is the middle one of values, or between the middle two; 0 for none.
func median[T int | float64](values []T) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (float64(sorted[(len(sorted)-1)/2]) + float64(sorted[len(sorted)/2])) / 2
}

// line is the result in one line.
func (c clientResult) line() string {
	if c.Note != "" {
		return fmt.Sprintf("%-10s %s", c.Name, c.Note)
	}
	return fmt.Sprintf("%-10s median %7.3f s, CPU %6.3f s, of the path %6.3f s, %3.0f requests, %5.2f × push-image (least %.2f), CPU of the path %5.2f ×",
		c.Name, median(c.Seconds), median(c.CPUSeconds), median(c.PathCPUSeconds), median(c.Requests), c.Ratio, c.Least, c.PathCPURatio)
}

// firstLine is what an error says first.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// readResults reads what an earlier run left; nothing is no error.
func readResults(root string) (*results, error) {
	r, err := benchmark.Read[result](root, page)
	return &results{r}, err
}

// get returns the result of a case and client.
func (r *results) get(name, client string) (clientResult, bool) {
	one, _ := r.Get(name)
	for _, c := range one.Clients {
		if c.Name == client {
			return c, c.Note == ""
		}
	}
	return clientResult{}, false
}
