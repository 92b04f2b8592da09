package stage

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ImageVolume makes a PersistentVolumeClaim in the tenant's namespace with an image in it, as a build left it, and returns its name. It is the
// caller's to delete.
func (s *Stage) ImageVolume(ctx context.Context, t Tenant) (string, error) {
	claim, err := s.Kube.CoreV1().PersistentVolumeClaims(t.Namespace).Create(ctx, &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "image-"},
		Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("64Mi")}}},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("creating a volume: %w", err)
	}
	build, err := s.Run(ctx, From(claim.Name, NewRun(t, "build-and-push-image", map[string]string{"image-ref": t.Repository, "tag": "volume"})))
	if err != nil {
		return claim.Name, err
	}
	if outcome := Outcome(build.Status.Conditions); !outcome.IsTrue() {
		return claim.Name, fmt.Errorf("building an image: %s", outcome.Message)
	}
	return claim.Name, nil
}
