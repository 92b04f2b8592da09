package stage

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/internal/certificate"
)

const internalNamespace = "internal-registry"

// InternalRegistry is the host of the registry that OpenInternal starts.
const InternalRegistry = "registry." + internalNamespace + ".svc"

// OpenInternal starts a second registry in the cluster, which gives each tenant's namespace its own repositories as OpenShift's
// does: <host>/<namespace>/<name>. CloseInternal ends it.
func (s *Stage) OpenInternal(ctx context.Context) (*Quay, error) {
	const namespace = internalNamespace
	q := &Quay{Host: InternalRegistry}
	for _, t := range []Tenant{Payments, Platform} {
		q.setup.Organizations = append(q.setup.Organizations, newOrganization(t.Namespace, t.App))
	}
	state, err := json.Marshal(q.setup)
	if err != nil {
		return nil, err
	}
	server, err := certificate.New(q.Host)
	if err != nil {
		return nil, err
	}
	q.CA = server.CA
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: quaySecret},
		Data: map[string][]byte{"state.json": state, "tls.crt": server.Certificate, "tls.key": server.Key}}
	// The same program as the stage's Quay, under another name.
	deployment, err := s.Kube.AppsV1().Deployments(quayNamespace).Get(ctx, "quay", metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	spec := deployment.Spec.DeepCopy()
	for i, arg := range spec.Template.Spec.Containers[0].Args {
		spec.Template.Spec.Containers[0].Args[i] = strings.ReplaceAll(arg, quayHost, q.Host)
	}
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "registry"}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "quay"},
		Ports: []corev1.ServicePort{{Name: "https", Port: 443, TargetPort: spec.Template.Spec.Containers[0].ReadinessProbe.HTTPGet.Port}}}}
	if _, err := s.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}); err != nil {
		return nil, fmt.Errorf("creating namespace %q: %w", namespace, err)
	}
	if _, err := s.Kube.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	if _, err := s.Kube.AppsV1().Deployments(namespace).Create(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "quay"}, Spec: *spec}, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	if _, err := s.Kube.CoreV1().Services(namespace).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	if err := s.kubectl(ctx, nil, "rollout", "status", "deployment/quay", "--namespace="+namespace, "--timeout=180s"); err != nil {
		return nil, err
	}
	address, err := s.forward(ctx, namespace, "quay", 8443)
	if err != nil {
		return nil, err
	}
	return q, q.dial(address)
}

// CloseInternal deletes what OpenInternal made, and waits until it is gone.
func (s *Stage) CloseInternal(ctx context.Context) error {
	return s.kubectl(ctx, nil, "delete", "namespace", internalNamespace, "--ignore-not-found", "--timeout=120s")
}

// Credentials returns a dockerconfig with a robot of every organization: what a platform gives to one that reads them all.
func (q *Quay) Credentials() []byte {
	type entry struct {
		Auth string `json:"auth"`
	}
	auths := map[string]entry{}
	for _, o := range q.setup.Organizations {
		auths[q.Host+"/"+o.Name] = entry{base64.StdEncoding.EncodeToString([]byte(o.Name + "+" + o.Robots[0].Name + ":" + o.Robots[0].Token))}
	}
	encoded, err := json.Marshal(map[string]any{"auths": auths})
	if err != nil {
		panic(err)
	}
	return encoded
}

// Write puts an image into repository, host/organization/name, under tag, as the organization's robot.
func (q *Quay) Write(ctx context.Context, image v1.Image, repository, tag string) error {
	reference, err := name.NewTag(repository + ":" + tag)
	if err != nil {
		return err
	}
	for _, o := range q.setup.Organizations {
		if strings.HasPrefix(reference.RepositoryStr(), o.Name+"/") {
			return remote.Write(reference, image, remote.WithContext(ctx), remote.WithTransport(q.Transport),
				remote.WithAuth(&authn.Basic{Username: o.Name + "+" + o.Robots[0].Name, Password: o.Robots[0].Token}))
		}
	}
	return fmt.Errorf("writing %q: no organization has it", repository)
}
