package olm_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/release/olm"
)

const csvFile = "manifests/quay-push.clusterserviceversion.yaml"

// released returns the manifests that match, as one, with images by digest as in a release.
func released(t *testing.T, pattern string) []byte {
	t.Helper()
	paths, err := filepath.Glob("../../" + pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %d manifests, %v", pattern, len(paths), err)
	}
	var all []byte
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, "---\n"...), content...)
	}
	return regexp.MustCompile(`ko://\S*/(\S+)`).ReplaceAll(all, []byte("quay.example.com/quay-push/$1@sha256:"+strings.Repeat("0", 64)))
}

// bundle returns the files for what config/ has, with the Tasks and the fleet's CronJobs.
func bundle(t *testing.T) map[string][]byte {
	t.Helper()
	install := append(released(t, "config/*.yaml"), released(t, "tekton/task/*/*/*.yaml")...)
	files, err := olm.Files("v0.2.0", install, released(t, "config/fleet/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// object is a part of any of the objects that the tests look at.
type object struct {
	Kind     string
	Metadata struct {
		Name        string
		Namespace   string
		Annotations map[string]string
		Labels      map[string]string
	}
	Rules []any
	Spec  map[string]any
}

func read(t *testing.T, content []byte) (all []object) {
	t.Helper()
	for document := range strings.SplitSeq("\n"+string(content), "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if o.Kind != "" {
			all = append(all, o)
		}
	}
	return all
}

// install is the CSV's install strategy.
type install struct {
	Deployments []struct {
		Name  string
		Label map[string]string
		Spec  any
	}
	Permissions        []any
	ClusterPermissions []struct {
		ServiceAccountName string
		Rules              []any
	}
}

func strategy(t *testing.T, csv object) (i install) {
	t.Helper()
	content, err := yaml.Marshal(csv.Spec["install"].(map[string]any)["spec"])
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(content, &i); err != nil {
		t.Fatal(err)
	}
	return i
}

// Nothing of config/ is lost, and nothing is there twice: an object has a file in the bundle, is part of the ClusterServiceVersion,
// or is the administrator's.
func TestEverythingIsSomewhere(t *testing.T) {
	files := bundle(t)
	where := map[string][]string{}
	for name, content := range files {
		if strings.HasPrefix(name, "manifests/") && name != csvFile || name == olm.Administrator {
			for _, o := range read(t, content) {
				where[o.Kind+" "+o.Metadata.Name] = append(where[o.Kind+" "+o.Metadata.Name], name)
			}
		}
	}
	inService := []string{"ClusterRole quay-push-controller", "ClusterRoleBinding quay-push-controller", "Deployment controller", "ServiceAccount controller"}
	policies := 0
	for _, o := range read(t, append(released(t, "config/*.yaml"), released(t, "tekton/task/*/*/*.yaml")...)) {
		name := o.Kind + " " + o.Metadata.Name
		if strings.HasPrefix(o.Kind, "Validating") {
			policies++
		}
		switch places := where[name]; {
		case slices.Contains(inService, name) && len(places) > 0, !slices.Contains(inService, name) && len(places) != 1:
			t.Errorf("%s is in %q", name, places)
		case o.Kind == "ConfigMap" || o.Kind == "Namespace" || o.Kind == "NetworkPolicy" || o.Kind == "Task" || strings.HasPrefix(o.Kind, "Validating"):
			if places[0] != olm.Administrator {
				t.Errorf("%s is in %q, which OLM would refuse or overwrite", name, places)
			}
		case len(places) > 0 && places[0] == olm.Administrator:
			t.Errorf("%s is left to the administrator", name)
		}
	}
	if policies < 20 {
		t.Errorf("only %d policies and bindings were looked at", policies)
	}
	for _, want := range []string{"metadata/annotations.yaml", "bundle.Dockerfile", csvFile, "manifests/controller.role.yaml", "manifests/controller.rolebinding.yaml"} {
		if len(files[want]) == 0 {
			t.Errorf("there is no %s among %q", want, slices.Sorted(maps.Keys(files)))
		}
	}
}

// The controller may do under OLM what it may do without, and no more: its ClusterRole's rules in all namespaces, its Role's in its own.
func TestRights(t *testing.T) {
	files := bundle(t)
	got := strategy(t, read(t, files[csvFile])[0])
	var want []any
	for _, o := range read(t, released(t, "config/200-rbac.yaml")) {
		if o.Kind == "ClusterRole" && o.Metadata.Name == "quay-push-controller" {
			want = o.Rules
		}
	}
	if len(got.ClusterPermissions) != 1 || got.ClusterPermissions[0].ServiceAccountName != "controller" || len(want) < 5 || !reflect.DeepEqual(got.ClusterPermissions[0].Rules, want) {
		t.Errorf("in all namespaces: %+v, want %v", got.ClusterPermissions, want)
	}
	if len(got.Permissions) > 0 {
		t.Errorf("permissions, which OLM lifts to all namespaces: %v", got.Permissions)
	}
	// In the one namespace where the controller can be: the ConfigMaps, policies and other Roles name it, too.
	if !bytes.Contains(files["manifests/controller.rolebinding.yaml"], []byte("\n  name: controller\n  namespace: quay-push\n")) {
		t.Errorf("the Role is bound by\n%s", files["manifests/controller.rolebinding.yaml"])
	}
	for name, content := range files {
		if strings.HasPrefix(name, "manifests/") {
			if o := read(t, content)[0]; o.Metadata.Namespace != "" {
				t.Errorf("%s says where it goes, which OLM refuses: %q", name, o.Metadata.Namespace)
			}
		}
	}
}

// What is in a file of its own is what config/ says, but for the namespace.
func TestObjects(t *testing.T) {
	files, seen := bundle(t), 0
	for document := range strings.SplitSeq("\n"+string(released(t, "config/*.yaml")), "\n---\n") {
		var want, got map[string]any
		if err := yaml.Unmarshal([]byte(document), &want); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			continue
		}
		metadata := want["metadata"].(map[string]any)
		content := files["manifests/"+metadata["name"].(string)+"."+strings.ToLower(want["kind"].(string))+".yaml"]
		if content == nil {
			continue
		}
		delete(metadata, "namespace")
		if err := yaml.Unmarshal(content, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
		seen++
	}
	if seen != 6 {
		t.Errorf("%d objects were compared", seen)
	}
}

// The Deployment is config/'s, to the last field.
func TestDeployment(t *testing.T) {
	csv := read(t, bundle(t)[csvFile])[0]
	got := strategy(t, csv)
	want := read(t, released(t, "config/500-controller.yaml"))[0]
	if len(got.Deployments) != 1 || got.Deployments[0].Name != "controller" || !reflect.DeepEqual(got.Deployments[0].Spec, any(want.Spec)) || !maps.Equal(got.Deployments[0].Label, want.Metadata.Labels) {
		t.Errorf("%+v, want %+v", got.Deployments, want)
	}
	if csv.Metadata.Annotations["containerImage"] != "quay.example.com/quay-push/controller@sha256:"+strings.Repeat("0", 64) {
		t.Errorf("annotations %v", csv.Metadata.Annotations)
	}
}

// What a mirror for a cluster without internet has to have: every image of any part, by digest.
func TestRelatedImages(t *testing.T) {
	got := map[string]string{}
	for _, related := range read(t, bundle(t)[csvFile])[0].Spec["relatedImages"].([]any) {
		image := related.(map[string]any)
		got[image["name"].(string)] = image["image"].(string)
	}
	want := []string{"buildah", "controller", "push-image", "tkn-quay", "update-overlay"}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("images %q, want %q", names, want)
	}
	for name, image := range got {
		if !regexp.MustCompile(`^[^/]+/.*/` + name + `@sha256:[0-9a-f]{64}$`).MatchString(image) {
			t.Errorf("%s is %q", name, image)
		}
	}
}

func TestVersion(t *testing.T) {
	csv := read(t, bundle(t)[csvFile])[0]
	if csv.Metadata.Name != "quay-push.v0.2.0" || csv.Spec["version"] != "0.2.0" || csv.Spec["minKubeVersion"] != "1.30.0" || csv.Metadata.Annotations["olm.skipRange"] != "<0.2.0" {
		t.Errorf("%q of version %v needs Kubernetes %v, and skips %q", csv.Metadata.Name, csv.Spec["version"], csv.Spec["minKubeVersion"], csv.Metadata.Annotations["olm.skipRange"])
	}
	for _, mode := range csv.Spec["installModes"].([]any) {
		if m := mode.(map[string]any); m["supported"] != (m["type"] == "AllNamespaces") {
			t.Errorf("install mode %v", m)
		}
	}
	for version, channel := range map[string]string{"v0.2.0": "stable", "v0.2.0-rc.1": "candidate"} {
		files, err := olm.Files(version, released(t, "config/*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for name, line := range map[string]string{"metadata/annotations.yaml": "bundle.channels.v1: " + channel + "\n", "bundle.Dockerfile": "bundle.channels.v1=" + channel + "\n"} {
			if !bytes.Contains(files[name], []byte(line)) {
				t.Errorf("%s of %s is\n%s", name, version, files[name])
			}
		}
	}
}

// The console shows who may install it on which nodes; ko.yaml says what is built.
func TestPlatforms(t *testing.T) {
	content, err := os.ReadFile("../../ko.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var ko struct{ DefaultPlatforms []string }
	if err := yaml.Unmarshal(content, &ko); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, platform := range ko.DefaultPlatforms {
		system, architecture, _ := strings.Cut(platform, "/")
		want["operatorframework.io/os."+system], want["operatorframework.io/arch."+architecture] = "supported", "supported"
	}
	if got := read(t, bundle(t)[csvFile])[0].Metadata.Labels; !maps.Equal(got, want) || len(want) < 3 {
		t.Errorf("labels %v, want %v", got, want)
	}
}

func TestSameBytesTwice(t *testing.T) {
	first, second := bundle(t), bundle(t)
	if !reflect.DeepEqual(first, second) {
		t.Error("two bundles of the same release differ")
	}
}
