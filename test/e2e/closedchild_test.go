//go:build e2e

package e2e

// honestTask is, in short, what Tekton makes of the overlay's task of team platform in the shared namespace.
const honestTask = `
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: platform--honest-overlay, namespace: openshift-pipelines, labels: {apps.platform/team: platform, tekton.dev/pipelineRun: platform--honest}}
spec:
  taskRef: {name: update-overlay-digest}
  params: [{name: repository, value: "https://git.git.svc/platform.git"}, {name: git-secret, value: git-platform}]
`

// taskVerdicts are those about a TaskRun that Tekton makes: a Git user's credential goes to a host of git-hosts alone.
func taskVerdicts() verdicts {
	repository := func(value string) string {
		return `{"spec":{"params":[{"name":"repository","value":` + value + `},{"name":"git-secret","value":"git-platform"}]}}`
	}
	return verdicts{honestTask, edits{
		"as it is":                 `{}`,
		"a host without a Secret":  `{"spec":{"params":[{"name":"repository","value":"https://example.com/x.git"}]}}`,
		"a repository in a folder": repository(`"https://git.git.svc/platform/sample.git"`),
	}, edits{
		"another host":                repository(`"https://git.example.com/x.git"`),
		"a host that begins alike":    repository(`"https://git.git.svc.example.com/x.git"`),
		"the host as a user":          repository(`"https://git.git.svc@example.com/x.git"`),
		"the host with another port":  repository(`"https://git.git.svc:8443/x.git"`),
		"no encryption":               repository(`"http://git.git.svc/x.git"`),
		"a repository that is a list": repository(`["https://example.com/x.git"]`),
	}, nil}
}

// honestRequest is what Tekton asks its cluster resolver for.
const honestRequest = `
apiVersion: resolution.tekton.dev/v1beta1
kind: ResolutionRequest
metadata: {name: cluster-honest, namespace: openshift-pipelines, labels: {resolution.tekton.dev/type: cluster}}
spec:
  params: [{name: kind, value: task}, {name: name, value: push-image-quay}, {name: namespace, value: openshift-pipelines}]
`

// requestVerdicts are those about what Tekton asks a resolver for, whatever it is of: no param names a Secret.
func requestVerdicts() verdicts {
	of := func(resolver, params string) string {
		return `{"metadata":{"labels":{"resolution.tekton.dev/type":"` + resolver + `"}},"spec":{"params":[` + params + `]}}`
	}
	const url, bundle = `{"name":"url","value":"https://example.com/x"}`, `{"name":"bundle","value":"example.com/x"},{"name":"name","value":"x"},{"name":"kind","value":"task"}`
	const task = `{"name":"kind","value":"task"},{"name":"name","value":"x"}`
	return verdicts{honestRequest, edits{
		"as it is":                       `{}`,
		"a public repository":            of("git", url+`,{"name":"pathInRepo","value":"x.yaml"},{"name":"revision","value":"main"}`),
		"a public page":                  of("http", url),
		"a bundle":                       of("bundles", bundle),
		"a bundle, by the run's account": of("bundles", bundle+`,{"name":"serviceAccount","value":"pipeline"}`),
	}, edits{
		"another namespace":              of("cluster", task+`,{"name":"namespace","value":"apps-platform-sample"}`),
		"no namespace":                   of("cluster", task),
		"a password for a page":          of("http", url+`,{"name":"http-username","value":"x"},{"name":"http-password-secret","value":"quay-robot-team-payments"}`),
		"a token for a repository":       of("git", url+`,{"name":"gitToken","value":"git-payments"}`),
		"a token for a forge":            of("git", `{"name":"org","value":"x"},{"name":"repo","value":"x"},{"name":"token","value":"git-payments"},{"name":"serverURL","value":"https://example.com"}`),
		"a bundle, by another account":   of("bundles", bundle+`,{"name":"serviceAccount","value":"trigger-payments"}`),
		"a bundle with a pull Secret":    of("bundles", bundle+`,{"name":"secret","value":"quay-robot-team-payments"}`),
		"a resolver that we do not know": of("own", url),
	}, nil}
}
