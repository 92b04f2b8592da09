package config

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/configmap"
	logtesting "knative.dev/pkg/logging/testing"
)

func TestWatchKeepsTheLastGoodOne(t *testing.T) {
	watcher := &configmap.ManualWatcher{Namespace: "quay-push"}
	current := Watch(logtesting.TestContextWithLogger(t), watcher)
	change := func(registry string) {
		watcher.OnChange(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: Name, Namespace: "quay-push"}, Data: map[string]string{"registry": registry}})
	}
	change("one.example.com")
	change("https://wrong.example.com")
	if got := current().Registry; got != "one.example.com" {
		t.Errorf("after a bad change the registry is %q", got)
	}
	change("two.example.com")
	if got := current().Registry; got != "two.example.com" {
		t.Errorf("after a good change the registry is %q", got)
	}
}
