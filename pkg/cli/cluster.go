package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/pager"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// cluster is the cluster as package robot sees it.
type cluster struct {
	Clients
	config *config.Config
}

// refreshAnnotation is the one that External Secrets' own docs use: any change of an annotation makes it read Vault now.
const refreshAnnotation = "force-sync"

// Secret implements robot.Cluster.
func (c *cluster) Secret(ctx context.Context, namespace, name string) (robot.Secret, error) {
	found, err := c.Kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return robot.Secret{}, reading("Secret", namespace, name, err)
	}
	// Without the annotation, or with one that is no number, the version is not known.
	version, _ := strconv.Atoi(found.Annotations[onboard.VersionAnnotation])
	return robot.Secret{Type: string(found.Type), Immutable: found.Immutable != nil && *found.Immutable,
		Dockerconfig: secret.New(string(found.Data[corev1.DockerConfigJsonKey])), VaultVersion: version, Owner: ownerOf(found)}, nil
}

// ownerOf is who controls a Secret, unless that is the ExternalSecret of its name.
func ownerOf(found *corev1.Secret) string {
	owner := metav1.GetControllerOf(found)
	if owner == nil || owner.Kind == "ExternalSecret" && owner.Name == found.Name {
		return ""
	}
	return fmt.Sprintf("%s %q", owner.Kind, owner.Name)
}

// ExternalSecret implements robot.Cluster.
func (c *cluster) ExternalSecret(ctx context.Context, namespace, name string) (robot.ExternalSecret, error) {
	object, err := c.Dynamic.Resource(externalsecret.Resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return robot.ExternalSecret{}, reading("ExternalSecret", namespace, name, err)
	}
	e := readExternalSecret(object, c.config.VaultMount)
	if !e.Ready {
		e.Warning = c.warning(ctx, object)
	}
	return e, nil
}

// Refresh implements robot.Cluster.
func (c *cluster) Refresh(ctx context.Context, namespace, name string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{
		refreshAnnotation: time.Now().UTC().Format(time.RFC3339Nano)}}})
	if err != nil {
		return err
	}
	_, err = c.Dynamic.Resource(externalsecret.Resource).Namespace(namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	if err != nil {
		return reading("ExternalSecret", namespace, name, err)
	}
	return nil
}

// Runs implements robot.Cluster. A run is the team's that is in a namespace of the team, or that names it in a shared one.
func (c *cluster) Runs(ctx context.Context, team string) ([]string, error) {
	found := []string{}
	namespaces, err := c.namespaces(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range namespaces {
		own := c.owner(n) == team
		if !own && !slices.Contains(c.config.SharedNamespaces, n.Name) {
			continue
		}
		err = eachPage(ctx, func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			return c.Tekton.TektonV1().PipelineRuns(n.Name).List(ctx, opts)
		}, func(o runtime.Object) {
			if run := o.(*pipelinev1.PipelineRun); !run.IsDone() && (own || c.claims(run, team)) {
				// A later run may have the name of one that was deleted.
				found = append(found, n.Name+"/"+run.Name+"/"+string(run.UID))
			}
		})
		switch {
		case apierrs.IsForbidden(err):
			err = fmt.Errorf("%w: %w", robot.ErrRunsForbidden, err)
		case apierrs.IsNotFound(err):
			err = fmt.Errorf("%w: %w", robot.ErrNoTekton, err)
		}
		if err != nil {
			return nil, fmt.Errorf("listing PipelineRuns in namespace %q: %w", n.Name, err)
		}
	}
	return found, nil
}

// claims reports whether a label of the run names the team.
func (c *cluster) claims(run *pipelinev1.PipelineRun, team string) bool {
	return slices.ContainsFunc(c.config.RunLabels, func(label string) bool {
		claimed, err := c.config.ParseTeam(run.Labels[label])
		return err == nil && claimed == team
	})
}

// owner is the team that the namespace's label names; empty where it is nobody's.
func (c *cluster) owner(n *corev1.Namespace) string {
	// A label that is no team is nobody's namespace.
	team, _ := c.config.ParseTeam(n.Labels[c.config.TeamLabel])
	return team
}

// namespaces lists all namespaces.
func (c *cluster) namespaces(ctx context.Context) ([]*corev1.Namespace, error) {
	var found []*corev1.Namespace
	err := eachPage(ctx, func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
		return c.Kube.CoreV1().Namespaces().List(ctx, opts)
	}, func(o runtime.Object) { found = append(found, o.(*corev1.Namespace)) })
	if err != nil {
		return nil, fmt.Errorf("listing namespaces: %w", err)
	}
	return found, nil
}

// eachPage calls f for every object of a list, which is read page by page.
func eachPage(ctx context.Context, list func(context.Context, metav1.ListOptions) (runtime.Object, error), f func(runtime.Object)) error {
	return pager.New(list).EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		f(o)
		return nil
	})
}

// reading tells what was read when err came, and lets package robot see that something is not there, or that the right to read it is
// lacking: that is about one team, in whose namespace a Role is missing, and the others are looked at all the same.
func reading(kind, namespace, name string, err error) error {
	if apierrs.IsNotFound(err) {
		return fmt.Errorf("reading %s %q: %w", kind, namespace+"/"+name, robot.ErrNotFound)
	}
	if apierrs.IsForbidden(err) {
		return &robot.Error{Reason: robot.ReasonNoRight, Problem: fmt.Sprintf("reading %s %q", kind, namespace+"/"+name), Err: err, Next: nextOfCluster(err)}
	}
	return fmt.Errorf("reading %s %q: %w", kind, namespace+"/"+name, err)
}
