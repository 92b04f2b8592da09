package push

// The flags that an error names, each with the param of the Tasks and the StepAction that sets it.
const (
	sourceFlag       = "--source (param source)"
	imageRefFlag     = "--image-ref (param image-ref)"
	tagFlag          = "--tag (param tag)"
	dockerconfigFlag = "--dockerconfig (param dockerconfig-secret)"
	anonymousFlag    = "--source-anonymous (param source-anonymous)"
)
