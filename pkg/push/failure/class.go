// Package failure knows every way to a push's failure: the class, what is wrong, by what that is proved, and the next step.
package failure

// Class is one kind of failure: one exit code and one message id. docs/push-step.md has the same table, and a test
// compares the two.
type Class struct {
	// ID is the message id, QP and three digits; its first digit groups the classes.
	ID string
	// Name is the class in words joined by hyphens, the field "class" of a JSON log line.
	Name string
	// Exit is the exit code of push-image.
	Exit int
}

// The classes. The first digit after QP groups them; the rest of the number has no meaning.
var (
	ClassInternal  = Class{"QP001", "internal", 1}
	ClassUsage     = Class{"QP002", "usage", 2}
	ClassCancelled = Class{"QP003", "cancelled", 3}
	ClassTimeout   = Class{"QP004", "timeout", 4}

	ClassCredentialRefused = Class{"QP101", "credential-refused", 10}
	ClassPushDenied        = Class{"QP102", "push-denied", 11}
	ClassNoAccess          = Class{"QP103", "no-access", 12}
	ClassQuota             = Class{"QP104", "quota", 13}
	ClassRegistryReadOnly  = Class{"QP105", "registry-read-only", 14}
	ClassNoCredential      = Class{"QP106", "no-credential", 15}
	ClassNetwork           = Class{"QP301", "network", 20}
	ClassCertificate       = Class{"QP302", "certificate", 21}
	ClassForeignHost       = Class{"QP303", "foreign-host", 22}
	ClassUnavailable       = Class{"QP304", "registry-unavailable", 23}
	ClassRateLimited       = Class{"QP305", "rate-limited", 24}
	ClassStalled           = Class{"QP306", "stalled", 25}
	ClassProtocol          = Class{"QP307", "protocol", 26}
	ClassOtherOrganization = Class{"QP401", "other-organization", 30}
	ClassVulnerable        = Class{"QP501", "vulnerable", 70}
	ClassScanPending       = Class{"QP502", "scan-pending", 71}
	ClassScanFailed        = Class{"QP503", "scan-failed", 72}
	ClassScanUnsupported   = Class{"QP504", "scan-unsupported", 73}
	ClassScanLayerTooLarge = Class{"QP505", "scan-layer-too-large", 74}
	ClassScannerOff        = Class{"QP506", "scanner-off", 75}
	ClassScannerAway       = Class{"QP507", "scanner-away", 76}
	ClassVerdictUnreadable = Class{"QP508", "verdict-unreadable", 77}
	ClassTagImmutable      = Class{"QP601", "tag-immutable", 40}
	ClassTagExists         = Class{"QP602", "tag-exists", 41}
	ClassTagMoved          = Class{"QP603", "tag-moved", 42}
	ClassRetention         = Class{"QP604", "retention", 43}
	ClassSourceMissing     = Class{"QP701", "source-missing", 50}
	ClassSourceCorrupt     = Class{"QP702", "source-corrupt", 51}
	ClassSourceRefused     = Class{"QP703", "source-refused", 52}
	ClassDigestUnexpected  = Class{"QP704", "digest-unexpected", 53}
	ClassManifestRefused   = Class{"QP705", "manifest-refused", 54}
	ClassTooLarge          = Class{"QP706", "too-large", 55}
	ClassNoScratch         = Class{"QP707", "no-scratch-space", 56}
	ClassNotVerified       = Class{"QP801", "not-verified", 60}
	ClassResultsUnwritable = Class{"QP802", "results-unwritable", 61}
)

// Classes lists every class, in the order of the ids.
var Classes = []Class{
	ClassInternal, ClassUsage, ClassCancelled, ClassTimeout,
	ClassCredentialRefused, ClassPushDenied, ClassNoAccess, ClassQuota, ClassRegistryReadOnly, ClassNoCredential,
	ClassNetwork, ClassCertificate, ClassForeignHost, ClassUnavailable, ClassRateLimited, ClassStalled, ClassProtocol,
	ClassOtherOrganization,
	ClassVulnerable, ClassScanPending, ClassScanFailed, ClassScanUnsupported, ClassScanLayerTooLarge, ClassScannerOff, ClassScannerAway, ClassVerdictUnreadable,
	ClassTagImmutable, ClassTagExists, ClassTagMoved, ClassRetention,
	ClassSourceMissing, ClassSourceCorrupt, ClassSourceRefused, ClassDigestUnexpected, ClassManifestRefused, ClassTooLarge, ClassNoScratch,
	ClassNotVerified, ClassResultsUnwritable,
}
