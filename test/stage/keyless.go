package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// Issuer is the name of the cluster's issuer of tokens, whose documents the API server itself serves.
func (s *Stage) Issuer(ctx context.Context) (string, error) {
	data, err := s.Kube.Discovery().RESTClient().Get().AbsPath("/.well-known/openid-configuration").DoRaw(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the issuer's document: %w", err)
	}
	var document struct {
		Issuer string `json:"issuer"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return "", fmt.Errorf("reading the issuer's document: %w", err)
	}
	return document.Issuer, nil
}

// Subject is the tenant's ServiceAccount in custody, as its tokens name it.
func Subject(t Tenant) string { return "system:serviceaccount:" + Custody + ":" + t.Secret }

// MakeKeyless takes the tenant's Secret out of custody, and puts the ServiceAccount in its place that Quay trusts for its robot.
func (s *Stage) MakeKeyless(ctx context.Context, t Tenant) error {
	issuer, err := s.Issuer(ctx)
	if err != nil {
		return err
	}
	if err := s.Quay.Trust(ctx, t, quaytest.Federation{Issuer: issuer, Subject: Subject(t)}); err != nil {
		return err
	}
	if err := s.Kube.CoreV1().Secrets(Custody).Delete(ctx, t.Secret, metav1.DeleteOptions{}); err != nil && !apierrs.IsNotFound(err) {
		return err
	}
	_, err = s.Kube.CoreV1().ServiceAccounts(Custody).Create(ctx, NewKeyless(t), metav1.CreateOptions{})
	return err
}

// NewKeyless returns the ServiceAccount that the tenant's robot is.
func NewKeyless(t Tenant) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		ObjectMeta:                   metav1.ObjectMeta{Name: t.Secret, Annotations: map[string]string{v1alpha1.AnnotationRobot: "team-" + t.Team + "+ci"}},
		AutomountServiceAccountToken: new(bool),
	}
}

// Trust has the tenant's robot trust these issuers, and no others.
func (q *Quay) Trust(ctx context.Context, t Tenant, trusted ...quaytest.Federation) error {
	address := "https://" + q.Host + "/api/v1/organization/team-" + t.Team + "/robots/ci/federation"
	encoded, err := json.Marshal(append([]quaytest.Federation{}, trusted...))
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+q.OAuthToken())
	request.Header.Set("Content-Type", "application/json")
	response, err := q.Client().Do(request)
	if err != nil {
		return fmt.Errorf("setting the federation of team %q: %w", t.Team, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1000)) // What was read tells enough.
		return fmt.Errorf("setting the federation of team %q: %s: %s", t.Team, response.Status, body)
	}
	return nil
}
