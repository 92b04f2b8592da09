package push_test

import (
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// gated has the push go through a gate in front of s.
func gated(s *quaytest.Scanner) func(f *fixture) {
	return func(f *fixture) { f.gate("high", s) }
}

// gateCauses are the reasons of the gate; TestGateRefuses has more ways to some of them.
var gateCauses = []cause{
	{"with a fix", gated(has(0, openssl, zlib)), failure.ClassVulnerable, "1 critical and 1 high; nothing was tagged", "openssl 1.1.1k-7 has CVE-2023-0286 (critical), fixed by 1.1.1k-9", "update openssl to 1.1.1k-9, or build it again on a newer base image"},
	{"without a fix", gated(has(0, zlib)), failure.ClassVulnerable, `the gate "high" does not let through: 1 high`, "zlib 1.2.11 has CVE-2022-37434 (high), not fixed yet", "build it again on a newer base image or without the package"},
	{"a long queue", gated(has(time.Hour)), failure.ClassScanPending, "had no verdict on the image within 45 minutes", `Quay says "queued"`, "run it again later: what is in the registry is not sent twice"},
	{"a scan that fails", gated(always(quaytest.ScanFailed)), failure.ClassScanFailed, "Quay's scanner failed at the image", `Quay says "failed"`, "ask whoever runs Quay to look at Clair's log"},
	{"no image", gated(always(quaytest.Unsupported)), failure.ClassScanUnsupported, "cannot scan this image", `Quay says "unsupported"`, "with pass in --gate-unsupported"},
	{"a large layer", gated(always(quaytest.LayerTooLarge)), failure.ClassScanLayerTooLarge, "too large for Quay's scanner", `Quay says "manifest_layer_too_large"`, "split the image's largest layer"},
	{"no scanner", gated(nil), failure.ClassScannerOff, "this Quay has no scanner", "Requires authentication", "ask whoever runs Quay to set FEATURE_SECURITY_SCANNER"},
	{"no Clair", gated(&quaytest.Scanner{Unreachable: true}), failure.ClassScannerAway, "Quay does not reach its scanner", "520", "run it again later"},
	{"another answer", func(f *fixture) {
		gated(has(0))(f)
		f.Faults.Clear()
		play("GET", onSecurity, quaytest.Status(200, nil, `{"status":"fine","data":null}`))(f)
	}, failure.ClassVerdictUnreadable, "Quay's answer is no verdict", `the status is "fine"`, "show the proof to whoever runs Quay"},
}
