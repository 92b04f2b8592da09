//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"sync"
	"testing"
	"text/template"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/vault"
	"github.com/comptech-lab/quay-push/test/stage"
)

// operator plays External Secrets for the ExternalSecrets of some teams, since the operator itself cannot be built from its
// module: it reads Vault, renders the ExternalSecret's own template, writes the Secret and then the status.
type operator struct {
	vault   *vault.Client
	dynamic dynamic.Interface
	teams   []string
	// lag is how long a change takes to come through at most, and while hold is held none does.
	lag  time.Duration
	hold sync.Mutex
}

// run works until ctx ends. A change that it missed is seen the next time.
func (o *operator) run(ctx context.Context, t *testing.T) {
	for tick := time.NewTicker(o.lag); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		for _, team := range o.teams {
			if err := o.sync(ctx, "quay-robot-team-"+team); err != nil && ctx.Err() == nil && !apierrs.IsNotFound(err) && !apierrs.IsConflict(err) {
				t.Errorf("playing External Secrets for team %q: %v", team, err)
			}
		}
	}
}

func (o *operator) sync(ctx context.Context, name string) error {
	o.hold.Lock()
	defer o.hold.Unlock()
	client := o.dynamic.Resource(externalsecret.Resource).Namespace(stage.SharedNamespace)
	object, err := client.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	refreshed := time.Now().UTC().Format(time.RFC3339)
	secrets := s.Kube.CoreV1().Secrets(stage.SharedNamespace)
	secret, err := o.render(ctx, object)
	if errors.Is(err, vault.ErrNotFound) {
		// With the deletionPolicy that onboard renders.
		return secrets.Delete(ctx, name, metav1.DeleteOptions{})
	} else if err != nil {
		return err
	}
	if _, err = secrets.Update(ctx, secret, metav1.UpdateOptions{}); apierrs.IsNotFound(err) {
		_, err = secrets.Create(ctx, secret, metav1.CreateOptions{})
	}
	if err != nil {
		return err
	}
	object.Object["status"] = map[string]any{"refreshTime": refreshed, "conditions": []any{map[string]any{
		"type": "Ready", "status": "True", "reason": "SecretSynced", "message": "secret synced", "lastTransitionTime": refreshed}}}
	_, err = client.UpdateStatus(ctx, object, metav1.UpdateOptions{})
	return err
}

// render makes the Secret that the ExternalSecret describes.
func (o *operator) render(ctx context.Context, object *unstructured.Unstructured) (*corev1.Secret, error) {
	from, _, _ := unstructured.NestedSlice(object.Object, "spec", "dataFrom")
	path, _, _ := unstructured.NestedString(from[0].(map[string]any), "extract", "key")
	stored, err := o.vault.Read(ctx, path)
	if err != nil {
		return nil, err
	}
	kind, _, _ := unstructured.NestedString(object.Object, "spec", "target", "template", "type")
	texts, _, _ := unstructured.NestedStringMap(object.Object, "spec", "target", "template", "data")
	labels, _, _ := unstructured.NestedStringMap(object.Object, "spec", "target", "template", "metadata", "labels")
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: object.GetName(), Labels: labels, OwnerReferences: []metav1.OwnerReference{
		*metav1.NewControllerRef(object, object.GroupVersionKind())}}, Type: corev1.SecretType(kind), Data: map[string][]byte{}}
	values := map[string]string{}
	for key, value := range stored.Data {
		values[key] = value.Reveal()
	}
	encode := template.FuncMap{"b64enc": func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }}
	for key, text := range texts {
		parsed, err := template.New(key).Funcs(encode).Parse(text)
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		if err := parsed.Execute(&out, values); err != nil {
			return nil, err
		}
		secret.Data[key] = out.Bytes()
	}
	return secret, nil
}
