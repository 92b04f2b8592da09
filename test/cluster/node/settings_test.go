package node

import (
	"testing"

	"k8s.io/kubernetes/pkg/kubelet/eviction"
	evictionapi "k8s.io/kubernetes/pkg/kubelet/eviction/api"
	"sigs.k8s.io/yaml"
)

// The kubelet taints the node, and every Pod waits, below a threshold of what it looks at; a threshold that it drops never is.
func TestOnlyMemoryStopsPods(t *testing.T) {
	content, err := Node{Dir: t.TempDir()}.render("kubelet.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var settings struct {
		EvictionHard map[string]string `json:"evictionHard"`
	}
	if err := yaml.Unmarshal(content, &settings); err != nil {
		t.Fatal(err)
	}
	thresholds, err := eviction.ParseThresholdConfig(nil, settings.EvictionHard, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(thresholds) != 1 || thresholds[0].Signal != evictionapi.SignalMemoryAvailable {
		t.Errorf("the kubelet stops Pods by %+v, want by memory alone", thresholds)
	}
}
