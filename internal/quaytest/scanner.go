package quaytest

import (
	"slices"
	"strings"
	"time"
)

// ScanStatus is what the scanner has to say of a manifest (quay/quay:endpoints/api/secscan.py).
type ScanStatus string

// The states of a scan.
const (
	Queued        ScanStatus = "queued"
	Scanned       ScanStatus = "scanned"
	ScanFailed    ScanStatus = "failed"
	Unsupported   ScanStatus = "unsupported"
	LayerTooLarge ScanStatus = "manifest_layer_too_large"
)

// Verdict is the outcome of a scan; the zero value is Scanned, with nothing found.
type Verdict struct {
	Status   ScanStatus
	Packages []Package
}

// Package is a package in an image, Clair's feature.
type Package struct {
	Name, Version string
	// AddedBy is the digest of the layer that it came with.
	AddedBy         string
	Vulnerabilities []Vulnerability
}

// Vulnerability is one of a package.
type Vulnerability struct {
	// Name is such as CVE-2026-1234.
	Name string
	// Severity is Unknown, Negligible, Low, Medium, High or Critical.
	Severity string
	// FixedBy is the version that has it no longer; empty if none has.
	FixedBy           string
	Description, Link string
	// Score is that of CVSS version 3; 0 for none.
	Score float64
	// Updater is where Clair has it from, such as debian/updater.
	Updater string
	// Distribution and its version are of the image's system; empty is null.
	Distribution, DistributionVersion string
}

// Scanner is the script of a security scanner. A scan starts when the manifest
// is pushed first and is not started again; pushing it once more changes
// nothing.
type Scanner struct {
	// Delay is how long a scan takes.
	Delay time.Duration
	// Workers are how many scans run at once, in the order of the pushes; 0 is any number.
	Workers int
	// Verdict is the outcome for a manifest of "org/repo" by its digest; nil is
	// the zero Verdict for each. It is not called for an index or an artifact,
	// which are Unsupported. It must not call the Quay.
	Verdict func(repo, digest string) Verdict
	// Unreachable has Quay fail to get the outcome of the scans that are done.
	Unreachable bool
}

// scanInterval is how often Quay looks for what is to be scanned, and finds out
// what cannot be (quay/quay:config.py, SECURITY_SCANNER_INDEXING_INTERVAL).
const scanInterval = 30 * time.Second

// SetScanner gives Quay a security scanner, in place of any that it had; nil
// is FEATURE_SECURITY_SCANNER off, as by default.
func (q *Quay) SetScanner(s *Scanner) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.scanner = s
}

// verdict is the outcome for a manifest of r as of now; the caller holds mu.
func (q *Quay) verdict(r *repository, dgst string) Verdict {
	m, now := r.manifests[dgst], q.now()
	if !m.isImage() {
		if now.Before(m.pushed.Add(min(scanInterval, q.scanner.Delay))) {
			return Verdict{Status: Queued}
		}
		return Verdict{Status: Unsupported}
	}
	if now.Before(q.scanned(m)) {
		return Verdict{Status: Queued}
	}
	v := Verdict{}
	if q.scanner.Verdict != nil {
		v = q.scanner.Verdict(r.name, dgst)
	}
	if v.Status == "" {
		v.Status = Scanned
	}
	return v
}

// scanned is when the scan of m is done.
func (q *Quay) scanned(m *manifest) time.Time {
	if q.scanner.Workers == 0 {
		return m.pushed.Add(q.scanner.Delay)
	}
	all := []*manifest{}
	for _, r := range q.repositories {
		for _, other := range r.manifests {
			if other.isImage() && other.serial <= m.serial {
				all = append(all, other)
			}
		}
	}
	slices.SortFunc(all, func(a, b *manifest) int { return a.serial - b.serial })
	// free is when each worker is.
	free := make([]time.Time, q.scanner.Workers)
	done := time.Time{}
	for _, next := range all {
		slices.SortFunc(free, time.Time.Compare)
		done = next.pushed
		if free[0].After(done) {
			done = free[0]
		}
		done = done.Add(q.scanner.Delay)
		free[0] = done
	}
	return done
}

// isImage reports whether m has layers of an image and no others
// (quay/quay:data/secscan_model/secscan_v4_model.py, _has_container_layers).
func (m *manifest) isImage() bool {
	if m.isList() || len(m.Layers) == 0 {
		return false
	}
	return !slices.ContainsFunc(m.Layers, func(d descriptor) bool {
		return !strings.HasPrefix(d.MediaType, "application/vnd.oci.image.layer.") &&
			!strings.HasPrefix(d.MediaType, "application/vnd.docker.image.rootfs.")
	})
}
