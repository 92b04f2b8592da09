package failure

// The flags that an error names, each with the param of the Tasks and the StepAction that sets it.
const (
	SourceFlag       = "--source (param source)"
	ImageRefFlag     = "--image-ref (param image-ref)"
	TagFlag          = "--tag (param tag)"
	AnchorFlag       = "--anchor (param anchor)"
	DockerconfigFlag = "--dockerconfig (param dockerconfig-secret)"
	// FederatedFlag and RobotFlag have no param: in a cluster the controller exchanges tokens.
	FederatedFlag = "--federated-token-file"
	RobotFlag     = "--robot"
	AnonymousFlag = "--source-anonymous (param source-anonymous)"
	// The flags of the gate.
	GateFlag            = "--gate (param gate)"
	GateFixableFlag     = "--gate-fixable-only (param gate-fixable-only)"
	GateTimeoutFlag     = "--gate-timeout (param gate-timeout)"
	GateUnsupportedFlag = "--gate-unsupported (param gate-unsupported)"
)
