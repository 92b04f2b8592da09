// Package v1alpha1 holds the words of the API group quay.comptech-lab.com: kinds, params, results, labels and reasons.
// There is no CRD behind them: the kinds are answered through Tekton's CustomRun.
package v1alpha1

// Group and version of the custom tasks, as they stand in a pipeline's taskRef.apiVersion.
const (
	// Group is the API group of the custom tasks and of the RBAC resource TenantsResource.
	Group = "quay.comptech-lab.com"
	// Version is the only version served.
	Version = "v1alpha1"
	// APIVersion is Group/Version.
	APIVersion = Group + "/" + Version
	// KindPushImage is the custom task that pushes one image as the run's tenant.
	KindPushImage = "PushImage"
	// KindResolveTenant is the custom task that answers which Secret a run pushes with, and pushes nothing.
	KindResolveTenant = "ResolveTenant"
	// TenantsResource is the RBAC resource whose verb "use", on the resource name <team>, gives the right to push as that team.
	// No such object exists: RBAC and CEL's authorizer work on the name alone.
	TenantsResource = "tenants"
)

// Params of PushImage and of the Task push-image-quay.
const (
	// ParamImageRef is the repository to push to, host/organization/name.
	ParamImageRef = "image-ref"
	// ParamTag is the tag to set on the pushed digest; empty: its anchor alone, digest-<first 32 hex>.
	ParamTag = "tag"
	// ParamAnchor is true or false: whether the anchor is set beside the tag; by default it is.
	ParamAnchor = "anchor"
	// ParamDockerconfigSecret names the Secret of type kubernetes.io/dockerconfigjson that the push mounts.
	ParamDockerconfigSecret = "dockerconfig-secret"
	// ParamSource is where the image is: a path in the workspace, several with commas between them or as an array, which are pushed as one
	// index, or docker://<internal registry>/<namespace>/<name>[:tag|@digest].
	ParamSource = "source"
	// ParamGate is the lowest severity of a vulnerability that keeps the image from its tags; empty: the team's floor alone holds.
	ParamGate = "gate"
	// ParamGateFixableOnly is true or false: whether only what a newer version fixes counts.
	ParamGateFixableOnly = "gate-fixable-only"
	// ParamGateUnsupported is fail or pass, for what the scanner cannot scan.
	ParamGateUnsupported = "gate-unsupported"
	// ParamGateTimeout is how long the scanner's verdict may take, such as 30m.
	ParamGateTimeout = "gate-timeout"
	// ParamCompression is the format to which layers of a docker-archive are compressed, gzip or zstd; empty: gzip. A push from a registry
	// compresses nothing.
	ParamCompression = "compression"
	// WorkspaceSource is the workspace that holds the image.
	WorkspaceSource = "source"
)

// Of ResolveTenant.
const (
	// ParamPreflight has the controller also ask the registry whether a push to image-ref could begin now: PreflightTrue, or
	// PreflightAllowNew, to which a repository that the robot does not see is right. PreflightFalse, and nothing: it is not asked.
	ParamPreflight    = "preflight"
	PreflightFalse    = "false"
	PreflightTrue     = "true"
	PreflightAllowNew = "allow-new"
)

// Results of PushImage: the Task's own, mirrored. All are strings without a newline.
const (
	// ResultImageURL is the pushed reference, host/organization/name:tag; Tekton Chains reads it.
	ResultImageURL = "IMAGE_URL"
	// ResultImageDigest is sha256:<64 hex> of the manifest; Tekton Chains reads it.
	ResultImageDigest = "IMAGE_DIGEST"
	// ResultDigest is the same digest under the name that overlay Tasks read.
	ResultDigest = "image-digest"
	// ResultImageRef is the repository without tag, host/organization/name.
	ResultImageRef = "image-ref"
	// ResultPinned is host/organization/name@sha256:<64 hex>.
	ResultPinned = "image-pinned"
	// ResultOverlay is one item of a kustomization's images list, as JSON.
	ResultOverlay = "overlay-image"
	// ResultPushedBytes is the size, in bytes, of the blobs that the registry lacked. It is counted and not promised.
	ResultPushedBytes = "pushed-bytes"
	// ResultVulnerabilities is how many vulnerabilities of each severity the image has, as a JSON object; only with a gate.
	ResultVulnerabilities = "vulnerabilities"
	// ResultWorst is a JSON array of the worst of them, at most ten, with package, version, severity, name and fixed-by; only with a gate.
	ResultWorst = "vulnerabilities-worst"
	// ResultReceipt is sha256:<64 hex> of the manifest that has the receipt of the push, where the platform has receipts written. It is the
	// controller's, and no result of a TaskRun.
	ResultReceipt = "receipt"
	// ResultFailure is of a push that failed, and then the only one but for what a gate found: class, problem and next step in one line.
	ResultFailure = "failure"
)

// Results of ResolveTenant.
const (
	// ResultDockerconfigSecret names the Secret of the run's tenant, in the run's namespace. Where that has none, since robots are in
	// custody, a preflight leaves the result out.
	ResultDockerconfigSecret = "dockerconfig-secret"
	// ResultTeam is the team without prefix, ResultOrganization its Quay organization, ResultRegistry the host that serves it.
	ResultTeam         = "team"
	ResultOrganization = "organization"
	ResultRegistry     = "registry"
)

// Results lists every result that PushImage promises, in the order in which the Task declares them.
var Results = []string{ResultImageURL, ResultImageDigest, ResultDigest, ResultImageRef, ResultPinned, ResultOverlay}

// Labels and field names that the controller sets.
const (
	// LabelGuarded, true on a namespace, has the policies of config/ guard it.
	LabelGuarded = Group + "/guarded"
	// LabelManaged marks the TaskRuns that the controller creates; its informer selects on it.
	LabelManaged = Group + "/managed"
	// LabelTeam carries the decided team on such a TaskRun and its Pod.
	LabelTeam = Group + "/team"
	// AnnotationCustomRun is the <namespace>/<name> of the CustomRun that a TaskRun in custody pushes for: no owner reference
	// leads to another namespace.
	AnnotationCustomRun = Group + "/customrun"
	// AnnotationRobot is the robot, <organization>+<short name>, that the ServiceAccount of a keyless team is at Quay.
	AnnotationRobot = Group + "/robot"
	// AnnotationSuccessor is the robot that replaced that one, if it is a later one: rotate and leak set it, and what is in Git stays as it is.
	AnnotationSuccessor = Group + "/robot-successor"
)

// Reasons of the condition Succeeded=False, besides Tekton's own CustomRunCancelled and CustomRunTimedOut
// and the reasons mirrored from the TaskRun.
const (
	// ReasonInvalidParams: a param is missing, unknown, given twice or not a string.
	ReasonInvalidParams = "InvalidParams"
	// ReasonInvalidWorkspaces: the workspace source is missing, or another one is bound.
	ReasonInvalidWorkspaces = "InvalidWorkspaces"
	// ReasonUnsupportedSpec: customSpec, or a customRef with a name or a resolver.
	ReasonUnsupportedSpec = "UnsupportedSpec"
	// ReasonUnprovenOwner: the CustomRun is not the child of a live PipelineRun (rule owner).
	ReasonUnprovenOwner = "UnprovenOwner"
	// ReasonTenantConflict: namespace and PipelineRun name different teams (rule namespace-label).
	ReasonTenantConflict = "TenantConflict"
	// ReasonInvalidTeam: the label's value is no team name.
	ReasonInvalidTeam = "InvalidTeam"
	// ReasonPolicyMissing: the namespace is shared and the policy that guards the label does not enforce there (rule shared-namespace).
	ReasonPolicyMissing = "PolicyMissing"
	// ReasonNotConfigured: config-tenancy names no registry.
	ReasonNotConfigured = "NotConfigured"
	// ReasonNoTenant: nothing names a team (rule no-rule).
	ReasonNoTenant = "NoTenant"
	// ReasonImageOutsideOrganization: image-ref is not in the team's organization (rule image).
	ReasonImageOutsideOrganization = "ImageOutsideOrganization"
	// ReasonSourceOutsideNamespace: source is in a registry, and no image of the run's namespace in an internal one (rule source).
	ReasonSourceOutsideNamespace = "SourceOutsideNamespace"
	// ReasonSecretMismatch: the author named another Secret than the tenant's.
	ReasonSecretMismatch = "SecretMismatch"
	// ReasonSecretMissing: the tenant's Secret does not exist in the run's namespace.
	ReasonSecretMissing = "SecretMissing"
	// ReasonSecretUnreadable: the controller may not read the tenant's Secret.
	ReasonSecretUnreadable = "SecretUnreadable"
	// ReasonSecretInvalid: the Secret has the wrong type, key, registry host or another team's robot.
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonSecretRefused: the API server refused the run's own Secret for good (custody).
	ReasonSecretRefused = "SecretRefused"
	// ReasonKeylessConflict: custody has both the team's Secret and a ServiceAccount in its place.
	ReasonKeylessConflict = "KeylessConflict"
	// ReasonKeylessInvalid: the ServiceAccount names no robot, or another team's.
	ReasonKeylessInvalid = "KeylessInvalid"
	// ReasonKeylessUnsupported: the team is keyless, and the push is of a kind that needs a Secret.
	ReasonKeylessUnsupported = "KeylessUnsupported"
	// ReasonTokenRefused: the API server refused the controller a token of the team's ServiceAccount for good (keyless).
	ReasonTokenRefused = "TokenRefused"
	// ReasonFederationRobotMissing: Quay has no robot of the name that the ServiceAccount of a keyless team names.
	ReasonFederationRobotMissing = "FederationRobotMissing"
	// ReasonFederationMissing: the robot trusts no issuer.
	ReasonFederationMissing = "FederationMissing"
	// ReasonFederationIssuerMismatch: the robot does not trust the cluster's issuer, or that calls itself something else.
	ReasonFederationIssuerMismatch = "FederationIssuerMismatch"
	// ReasonFederationSubjectMismatch: the robot trusts the issuer, and there another subject than the ServiceAccount.
	ReasonFederationSubjectMismatch = "FederationSubjectMismatch"
	// ReasonFederationAudienceMismatch: the robot does not trust the token's audience.
	ReasonFederationAudienceMismatch = "FederationAudienceMismatch"
	// ReasonFederationTokenExpired: the token's time is over, or has not come, by Quay's clock.
	ReasonFederationTokenExpired = "FederationTokenExpired"
	// ReasonFederationTokenInvalid: the token is signed with another key than the issuer's, or in a way that Quay does not take.
	ReasonFederationTokenInvalid = "FederationTokenInvalid"
	// ReasonFederationIssuerUnreachable: Quay could not verify the token, mostly for it does not reach the cluster's issuer.
	ReasonFederationIssuerUnreachable = "FederationIssuerUnreachable"
	// ReasonFederationUnsupported: Quay is older than 3.13.
	ReasonFederationUnsupported = "FederationUnsupported"
	// ReasonFederationUnreachable: Quay did not answer, or is not trusted.
	ReasonFederationUnreachable = "FederationUnreachable"
	// ReasonFederationRefused: Quay refused the exchange for another reason.
	ReasonFederationRefused = "FederationRefused"
	// ReasonRobotRefused: Quay does not take the robot's credential (preflight).
	ReasonRobotRefused = "RobotRefused"
	// ReasonPushDenied: the robot may not push to the repository (preflight).
	ReasonPushDenied = "PushDenied"
	// ReasonRepositoryMissing: the repository does not exist, or the robot has no right on it (preflight).
	ReasonRepositoryMissing = "RepositoryMissing"
	// ReasonQuotaExceeded: the quota of the organization is used up (preflight).
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonRegistryReadOnly: the registry takes no pushes now (preflight).
	ReasonRegistryReadOnly = "RegistryReadOnly"
	// ReasonRegistryUnreachable: the registry did not answer, was busy or failed, or is not trusted (preflight).
	ReasonRegistryUnreachable = "RegistryUnreachable"
	// ReasonPreflightFailed: the registry's answer was another than Quay's would be (preflight).
	ReasonPreflightFailed = "PreflightFailed"
	// ReasonTaskOutdated: the platform's Task does not know of the gate that the push needs.
	ReasonTaskOutdated = "TaskOutdated"
	// ReasonTaskRunNameConflict: a TaskRun of the CustomRun's name exists that is not its child.
	ReasonTaskRunNameConflict = "TaskRunNameConflict"
	// ReasonTaskRunRefused: the API server refused the TaskRun for good.
	ReasonTaskRunRefused = "TaskRunRefused"
	// ReasonResultsMissing: the TaskRun succeeded without every result that PushImage promises.
	ReasonResultsMissing = "ResultsMissing"
	// ReasonResultsUnproven: the registry does not serve what the results say, or could not be asked (verify-results).
	ReasonResultsUnproven = "ResultsUnproven"
	// ReasonReceiptNotWritten: the image was pushed, and the controller could not sign or store its receipt (receipt-key).
	ReasonReceiptNotWritten = "ReceiptNotWritten"
	// ReasonTaskRunDeleted: the TaskRun was deleted while it ran.
	ReasonTaskRunDeleted = "TaskRunDeleted"
)
