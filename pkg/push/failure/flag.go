package failure

// The flags that an error names, each with the param of the Tasks and the StepAction that sets it.
const (
	SourceFlag       = "--source (param source)"
	ImageRefFlag     = "--image-ref (param image-ref)"
	TagFlag          = "--tag (param tag)"
	DockerconfigFlag = "--dockerconfig (param dockerconfig-secret)"
	AnonymousFlag    = "--source-anonymous (param source-anonymous)"
)
