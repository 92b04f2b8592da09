package gitops

import (
	"errors"
	"flag"
	"io"

	"github.com/comptech-lab/quay-push/pkg/stepargs"
)

// Flags defines the flags of update-overlay on fs; parsing fs fills o in.
func (o *Options) Flags(fs *flag.FlagSet) {
	fs.StringVar(&o.Repository, "repository", "", "`URL` of the GitOps repository, https://HOST[:PORT]/PATH; the credential goes to that host alone, in a shared namespace one of git-hosts")
	fs.StringVar(&o.TargetBranch, "target-branch", defaultTargetBranch, "`branch` that the merge request goes into, only read")
	fs.StringVar(&o.Team, "team", "", "`team` of apps/<team>/<app>")
	fs.StringVar(&o.App, "app", "", "`app` of apps/<team>/<app>")
	fs.StringVar(&o.OverlayImage, "overlay-image", "", "`item` of images as JSON, the result overlay-image of a push")
	fs.StringVar(&o.Image, "image", "", "`HOST/ORGANIZATION/NAME`, if there is no --overlay-image")
	fs.StringVar(&o.Digest, "digest", "", "its `sha256:<64 hex>`, if there is no --overlay-image")
	fs.StringVar(&o.SourceCommit, "source-commit", "", "`commit` that was built, names the branch ci/dev/<first 8 hex> (default the digest)")
	fs.StringVar(&o.Credential, "credential", "", "`directory` with the files username, and password or token")
	fs.StringVar(&o.Author, "author", defaultAuthor, "`NAME <ADDRESS>` that commits")
	fs.BoolVar(&o.MergeRequest, "merge-request", false, "ask GitLab to open a merge request")
	fs.StringVar(&o.CAFile, "ca-file", "", "PEM `file` of certificate authorities to trust beside the system's")
	fs.BoolVar(&o.PlainHTTP, "plain-http", false, "allow HTTP without TLS")
	fs.StringVar(&o.ResultsDir, "results-dir", "", "`directory` for the result files, such as /tekton/results")
	fs.StringVar(&o.Workspace, "workspace", "", "`directory` for evidence/image-digest.txt and evidence/evidence.json")
	fs.StringVar(&o.PipelineRun, "pipeline-run", "", "`name` of the PipelineRun, for the evidence")
	fs.DurationVar(&o.Timeout, "timeout", defaultTimeout, "limit for all of it")
	fs.StringVar(&o.LogFormat, "log-format", "text", "text or json")
}

// Parse parses the program's arguments into o, and writes help or the version to out if that is asked for: then the error is
// flag.ErrHelp. Any other error is an *Error.
func (o *Options) Parse(args []string, out io.Writer) error {
	fs := flag.NewFlagSet("update-overlay", flag.ContinueOnError)
	o.Flags(fs)
	err := stepargs.Parse(fs, "update-overlay --repository URL --team TEAM --app APP --overlay-image ITEM [flags]", args, out)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return usageError(stepargs.See(fs.Name()), "%v", err)
	}
	return err
}
