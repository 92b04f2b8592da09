package stage

import (
	"context"
	"fmt"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// baseSecret reads base images, sourceSecret sources; neither may write.
	baseSecret   = "base-images"
	sourceSecret = "git-source"
)

// putBuildSecrets gives the tenant's namespace what its builds read with.
func (s *Stage) putBuildSecrets(ctx context.Context, t Tenant) error {
	if err := s.PutSecret(ctx, t, baseSecret, corev1.SecretTypeDockerConfigJson, s.Quay.PullConfig(baseImages)); err != nil {
		return err
	}
	return s.replaceSecret(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: sourceSecret, Namespace: t.Namespace}, StringData: map[string]string{
		".gitconfig":       "[credential]\n\thelper = store\n",
		".git-credentials": fmt.Sprintf("https://%s:%s@%s\n", s.Git.Username, s.Git.Password, gitHost),
	}})
}

// Commit is a commit that the Git server has.
type Commit struct {
	// URL is the repository's, Hash the commit's, of 40 hex digits.
	URL, Hash string
	// Time is when it was made, in seconds since 1970.
	Time string
}

// Head returns the newest commit of the clone, after pushing it.
func (r *Repository) Head(ctx context.Context) (Commit, error) {
	if _, err := r.Git(ctx, "push", "--quiet", "origin", "HEAD"); err != nil {
		return Commit{}, err
	}
	hash, err := r.Git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return Commit{}, err
	}
	time, err := r.Git(ctx, "log", "-1", "--format=%ct")
	return Commit{r.URL, hash, time}, err
}

// NewRun returns a PipelineRun of pipeline that clones the commit and builds it, dated as the commit is.
func (b *Builder) NewRun(t Tenant, pipeline string, commit Commit, params map[string]string) *pipelinev1.PipelineRun {
	run := NewRun(t, pipeline, params)
	for name, value := range map[string]*pipelinev1.ParamValue{
		"source-url": pipelinev1.NewStructuredValues(commit.URL), "source-commit": pipelinev1.NewStructuredValues(commit.Hash),
		"builder-image": pipelinev1.NewStructuredValues(b.Image),
		// One value alone would be a string.
		"build-args": {Type: pipelinev1.ParamTypeArray, ArrayVal: []string{"--timestamp=" + commit.Time}},
	} {
		run.Spec.Params = append(run.Spec.Params, pipelinev1.Param{Name: name, Value: *value})
	}
	run.Spec.Workspaces = append(run.Spec.Workspaces,
		pipelinev1.WorkspaceBinding{Name: "base-images", Secret: &corev1.SecretVolumeSource{SecretName: baseSecret,
			Items: []corev1.KeyToPath{{Key: corev1.DockerConfigJsonKey, Path: "config.json"}}}},
		pipelinev1.WorkspaceBinding{Name: "basic-auth", Secret: &corev1.SecretVolumeSource{SecretName: sourceSecret}},
		pipelinev1.WorkspaceBinding{Name: "ssl-ca-directory", ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "config-trusted-cabundle"}}})
	return run
}

// TaskResults returns the results, by name, of a task of the run.
func (s *Stage) TaskResults(ctx context.Context, run *pipelinev1.PipelineRun, task string) (map[string]string, error) {
	taskRun, err := s.Tekton.TektonV1().TaskRuns(run.Namespace).Get(ctx, run.Name+"-"+task, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	results := map[string]string{}
	for _, r := range taskRun.Status.Results {
		results[r.Name] = r.Value.StringVal
	}
	return results, nil
}
