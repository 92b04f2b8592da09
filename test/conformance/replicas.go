package conformance

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// system is the namespace of the controller.
const system = "quay-push"

// replicas are the controller's Pods that run.
func (c *Cluster) replicas() []corev1.Pod {
	c.t.Helper()
	pods, err := c.Kube.CoreV1().Pods(system).List(c.ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=controller", FieldSelector: "status.phase=Running"})
	c.must(err)
	return slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
}

// leaders waits until a replica that runs leads each bucket of PushImage, and returns the Pods.
func (c *Cluster) leaders(buckets int) (pods []string) {
	c.t.Helper()
	c.until("the leaders", func() (bool, error) {
		running := map[string]bool{}
		for _, replica := range c.replicas() {
			running[replica.Name] = true
		}
		leases, err := c.Kube.CoordinationV1().Leases(system).List(c.ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		pods = nil
		for _, lease := range leases.Items {
			if !strings.Contains(lease.Name, ".reconciler.pushimage.") || !strings.HasSuffix(lease.Name, fmt.Sprintf("-of-%02d", buckets)) || lease.Spec.HolderIdentity == nil {
				continue
			}
			if pod, _, _ := strings.Cut(*lease.Spec.HolderIdentity, "_"); running[pod] {
				pods = append(pods, pod)
			}
		}
		return len(pods) == buckets, nil
	})
	return pods
}

// kill ends a replica without a chance to give its leases back.
func (c *Cluster) kill(pod string) {
	c.t.Helper()
	how, err := c.Kill(c.ctx, pod)
	c.must(err)
	c.t.Logf("%s was killed by %s", pod, how)
}

// rolledOut waits until all replicas are the newest, and ready.
func (c *Cluster) rolledOut() {
	c.t.Helper()
	c.until("the replicas", func() (bool, error) {
		d, err := c.Kube.AppsV1().Deployments(system).Get(c.ctx, "controller", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		want := *d.Spec.Replicas
		s := d.Status
		return s.ObservedGeneration == d.Generation && s.UpdatedReplicas == want && s.ReadyReplicas == want && s.Replicas == want, nil
	})
}

// restart does kubectl rollout restart, and waits.
func (c *Cluster) restart() {
	c.t.Helper()
	patch := `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"` + metav1.Now().UTC().Format("2006-01-02T15:04:05Z") + `"}}}}}`
	_, err := c.Kube.AppsV1().Deployments(system).Patch(c.ctx, "controller", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	c.must(err)
	c.rolledOut()
}

// logged waits until the replica has logged text.
func (c *Cluster) logged(replica, text string) {
	c.t.Helper()
	c.until("the log of "+replica+" to say "+text, func() (bool, error) {
		data, err := c.Kube.CoreV1().Pods(system).GetLogs(replica, &corev1.PodLogOptions{}).DoRaw(c.ctx)
		return bytes.Contains(data, []byte(text)), err
	})
}

// configMap changes keys of a ConfigMap of the controller; restore, which the end of the check calls too, takes that back.
func (c *Cluster) configMap(name string, data map[string]string) (restore func()) {
	c.t.Helper()
	client := c.Kube.CoreV1().ConfigMaps(system)
	before, err := client.Get(c.ctx, name, metav1.GetOptions{})
	c.must(err)
	changed := before.DeepCopy()
	maps.Copy(changed.Data, data)
	_, err = client.Update(c.ctx, changed, metav1.UpdateOptions{})
	c.must(err)
	restore = func() {
		c.t.Helper()
		now, err := client.Get(c.ctx, name, metav1.GetOptions{})
		c.must(err)
		now.Data = before.Data
		_, err = client.Update(c.ctx, now, metav1.UpdateOptions{})
		c.must(err)
	}
	c.t.Cleanup(restore)
	return restore
}

// removeConfigMap deletes a ConfigMap until the end of the check.
func (c *Cluster) removeConfigMap(name string) {
	c.t.Helper()
	client := c.Kube.CoreV1().ConfigMaps(system)
	before, err := client.Get(c.ctx, name, metav1.GetOptions{})
	c.must(err)
	c.must(client.Delete(c.ctx, name, metav1.DeleteOptions{}))
	c.t.Cleanup(func() {
		before.ResourceVersion, before.UID = "", ""
		_, err := client.Create(c.ctx, before, metav1.CreateOptions{})
		c.must(err)
	})
}

// mayI asks whether the controller's ServiceAccount may.
func (c *Cluster) mayI(what authorizationv1.ResourceAttributes) bool {
	c.t.Helper()
	review, err := c.Kube.AuthorizationV1().SubjectAccessReviews().Create(c.ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{User: "system:serviceaccount:" + system + ":controller", ResourceAttributes: &what}}, metav1.CreateOptions{})
	c.must(err)
	return review.Status.Allowed
}
