// Package volume gives every PersistentVolumeClaim of the default class a directory of the node.
package volume

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	// Class is the name of the StorageClass, the cluster's default.
	Class = "standard"
	// Name is the provisioner's. Outside kubernetes.io/, so that the controller-manager leaves the volumes to it.
	Name = "quay-push.comptech-lab.com/directory"

	defaultClass  = "storageclass.kubernetes.io/is-default-class"
	provisionedBy = "pv.kubernetes.io/provisioned-by"
)

// Provisioner makes volumes below Dir.
type Provisioner struct {
	Client kubernetes.Interface
	Dir    string
}

// CreateClass creates the StorageClass.
func (p *Provisioner) CreateClass(ctx context.Context) error {
	class := &storagev1.StorageClass{
		ObjectMeta:  metav1.ObjectMeta{Name: Class, Annotations: map[string]string{defaultClass: "true"}},
		Provisioner: Name,
	}
	_, err := p.Client.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating StorageClass %q: %w", Class, err)
	}
	return nil
}

// Provision makes the directory and the volume of a claim that asks for the class and has none yet.
func (p *Provisioner) Provision(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if claim.Spec.StorageClassName == nil || *claim.Spec.StorageClassName != Class || claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil {
		return nil
	}
	volume := p.volumeOf(claim)
	if err := makeShared(volume.Spec.HostPath.Path); err != nil {
		return err
	}
	_, err := p.Client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating PersistentVolume %q for claim %q: %w", volume.Name, claim.Namespace+"/"+claim.Name, err)
	}
	return nil
}

// Reclaim deletes a volume that its claim has left, with everything in it.
func (p *Provisioner) Reclaim(ctx context.Context, volume *corev1.PersistentVolume) error {
	if volume.Annotations[provisionedBy] != Name || volume.Status.Phase != corev1.VolumeReleased || volume.DeletionTimestamp != nil {
		return nil
	}
	// By its own name, not by the path in its spec, which others may write.
	if err := os.RemoveAll(p.directory(volume.Name)); err != nil {
		return fmt.Errorf("deleting the directory of PersistentVolume %q: %w", volume.Name, err)
	}
	err := p.Client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting PersistentVolume %q: %w", volume.Name, err)
	}
	return nil
}

func (p *Provisioner) directory(volume string) string {
	return filepath.Join(p.Dir, filepath.Base(volume))
}

func (p *Provisioner) volumeOf(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	// The name that every external provisioner gives: one volume per claim, however often it is asked for.
	name := "pvc-" + string(claim.UID)
	kind := corev1.HostPathDirectory
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: Name}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			AccessModes:                   claim.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			StorageClassName:              Class,
			VolumeMode:                    claim.Spec.VolumeMode,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				HostPath: &corev1.HostPathVolumeSource{Path: p.directory(name), Type: &kind}},
		},
	}
}

// makeShared makes a directory in which every user may write: pods run as any UID, and fsGroup does nothing for a hostPath.
func makeShared(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return os.Chmod(dir, 0o777) // past the umask
}
