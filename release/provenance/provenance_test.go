package provenance_test

import (
	"testing"

	"github.com/comptech-lab/quay-push/release/provenance"
)

func TestPredicate(t *testing.T) {
	const want = `{
  "buildDefinition": {
    "buildType": "https://quay.comptech-lab.com/release/v1",
    "externalParameters": {
      "base": "localhost:5000/static@sha256:ab",
      "platforms": [
        "linux/amd64"
      ],
      "registry": "quay.example.com/quay-push",
      "version": "v0.2.0"
    },
    "resolvedDependencies": [
      {
        "uri": "git+https://github.com/comptech-lab/quay-push@refs/tags/v0.2.0",
        "digest": {
          "gitCommit": "c0ffee"
        }
      },
      {
        "uri": "docker://localhost:5000/static",
        "digest": {
          "sha256": "ab"
        }
      }
    ]
  },
  "runDetails": {
    "builder": {
      "id": "https://quay.comptech-lab.com/release",
      "version": {
        "go": "go1.26.11",
        "ko": "v0.19.1"
      }
    }
  }
}`
	got, err := provenance.Release{Version: "v0.2.0", Commit: "c0ffee", Registry: "quay.example.com/quay-push", Base: "localhost:5000/static@sha256:ab",
		Platforms: []string{"linux/amd64"}, Tools: map[string]string{"ko": "v0.19.1", "go": "go1.26.11"}}.Predicate()
	if string(got) != want || err != nil {
		t.Errorf("it is %s, %v", got, err)
	}
}
