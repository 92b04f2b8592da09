package conformance

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"regexp"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/test/stage"
)

// metrics is C103.
func metrics(t *T, c *Cluster) {
	pr := c.end(c.create("C91"))
	c.wantOutcome(pr.Status.Conditions, corev1.ConditionTrue, "Succeeded")
	page, err := os.ReadFile("../../docs/operations.md")
	c.must(err)
	replicas := c.replicas()
	sums := map[string]float64{}
	reader, stranger := c.account("metrics-reader-of-a-test", "quay-push-metrics-reader"), c.account("metrics-stranger-of-a-test", "")
	for _, replica := range replicas {
		for token, want := range map[string]int{"": http.StatusUnauthorized, stranger: http.StatusForbidden} {
			if status, data := c.scrape(replica.Name, token); status != want || bytes.Contains(data, []byte("team=")) {
				t.Errorf("%s answers who may not read its metrics %d, want %d: %s", replica.Name, status, want, data)
			}
		}
		status, data := c.scrape(replica.Name, reader)
		if status != http.StatusOK {
			t.Fatalf("%s answers who may read its metrics %d: %s", replica.Name, status, data)
		}
		for _, token := range c.Quay.Tokens() {
			if bytes.Contains(data, []byte(token)) {
				t.Errorf("a robot's token is in the metrics of %s", replica.Name)
			}
		}
		c.must(sum(sums, data))
	}
	// Other tables have other things; a metric has its unit or its program in its name.
	served := regexp.MustCompile("(?m)^\\| `([a-z]+_[a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1)
	for _, match := range append(served, []string{"", "kn_workqueue_process_duration_seconds"}) {
		if sums[match[1]] == 0 {
			t.Errorf("no replica serves %s", match[1])
		}
	}
	for key, want := range map[string]float64{"quay_push_leading PushImage": 1, "quay_push_leading ResolveTenant": 1,
		"quay_push_policy_enforced " + stage.SharedNamespace: float64(len(replicas))} {
		if sums[key] != want {
			t.Errorf("%s is %v in all replicas, want %v", key, sums[key], want)
		}
	}
	if sums["quay_push_push_duration_seconds payments"] < 1 {
		t.Error("the push of payments was not counted")
	}
}

// account makes a ServiceAccount in a tenant's namespace, with the ClusterRole if one is named, and returns a token of it.
func (c *Cluster) account(name, role string) string {
	c.t.Helper()
	accounts := c.Kube.CoreV1().ServiceAccounts(stage.Payments.Namespace)
	_, err := accounts.Create(c.ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	c.must(err)
	c.t.Cleanup(func() { c.must(accounts.Delete(c.ctx, name, metav1.DeleteOptions{})) })
	if role != "" {
		bindings := c.Kube.RbacV1().ClusterRoleBindings()
		_, err := bindings.Create(c.ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name},
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: stage.Payments.Namespace, Name: name}}}, metav1.CreateOptions{})
		c.must(err)
		c.t.Cleanup(func() { c.must(bindings.Delete(c.ctx, name, metav1.DeleteOptions{})) })
	}
	request, err := accounts.CreateToken(c.ctx, name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	c.must(err)
	return request.Status.Token
}

// scrape reads the metrics of a replica as Prometheus does. The port is forwarded anew each time: a forward is over for good as soon as
// the Pod resets one of its connections, such as after an answer (client-go tools/portforward, handleConnection).
func (c *Cluster) scrape(replica, token string) (int, []byte) {
	c.t.Helper()
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	address, err := c.ForwardPod(ctx, system, replica, 9090)
	c.must(err)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/metrics", nil)
	c.must(err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	response, err := client.Do(request)
	c.must(err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	c.must(err)
	return response.StatusCode, data
}

// sum adds up what a replica serves: by metric how many series there are, and by metric and kind, namespace or team their values.
func sum(sums map[string]float64, page []byte) error {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	for name, family := range families {
		for _, series := range family.GetMetric() {
			key := name
			for _, l := range series.GetLabel() {
				if l.GetName() == "kind" || l.GetName() == "shared_namespace" || l.GetName() == "team" {
					key += " " + l.GetValue()
				}
			}
			sums[name]++
			sums[key] += series.GetGauge().GetValue() + series.GetCounter().GetValue() + float64(series.GetHistogram().GetSampleCount())
		}
	}
	return err
}
