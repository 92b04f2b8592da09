package overlay_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

const baseDeployment = "apps/payments/checkout/base/deployment.yaml"

// withPod is the app with a Pod template in an object of its own.
func withPod(kind, pod string) fstest.MapFS {
	tree := app()
	template := "{metadata: {labels: {app: x}}, spec: " + pod + "}"
	if kind == "CronJob" {
		template = "{spec: {template: " + template + "}}"
		pod = "jobTemplate"
	} else {
		pod = "template"
	}
	put(tree, "apps/payments/checkout/base/service.yaml", "apiVersion: x/v1\nkind: "+kind+"\nmetadata: {name: more}\nspec: {"+pod+": "+template+"}\n")
	return tree
}

// Every image of the wanted name gets the digest, wherever kustomize changes images.
func TestSetSeesEveryImage(t *testing.T) {
	const container = `{name: x, image: "` + checkout + `:v1"}`
	const volume = `{name: x, image: {reference: "` + checkout + `:v1"}}`
	for name, test := range map[string]struct {
		tree fstest.MapFS
		// next is a part of the next step; empty where all get the digest.
		next string
	}{
		"a container of a Job":               {withPod("Job", "{containers: ["+container+"]}"), ""},
		"a container of a CronJob":           {withPod("CronJob", "{containers: ["+container+"]}"), ""},
		"an init container":                  {withPod("StatefulSet", "{initContainers: ["+container+"]}"), ""},
		"an image volume":                    {withPod("Deployment", "{containers: [], volumes: ["+volume+"]}"), ""},
		"an image volume of a CronJob":       {withPod("CronJob", "{containers: [], volumes: ["+volume+"]}"), ""},
		"containers of a resource of others": {withPod("Rollout", "{containers: ["+container+"]}"), ""},
		"an ephemeral container":             {withPod("Deployment", "{ephemeralContainers: ["+container+"]}"), "configurations"},
		"an image volume further down":       {withPod("CronJob", "{template: {spec: {volumes: ["+volume+"]}}}"), "configurations"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := overlay.Set(test.tree, dev, pin)
			if test.next == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			checkRefusal(t, err, overlay.ReasonNoEffect)
			if err != nil && (!strings.Contains(err.Error(), test.next) || !strings.Contains(err.Error(), `"more" spec.`)) {
				t.Errorf("the error does not say where and what next: %v", err)
			}
		})
	}
}

// nightly is the app as one object of a custom resource. Without configurations kustomize does not know its image.
func nightly(configured bool) fstest.MapFS {
	tree := app()
	put(tree, baseDeployment, "apiVersion: batch.example.com/v1\nkind: NightlyJob\nmetadata: {name: checkout}\nspec: {image: \""+checkout+":placeholder\"}\n")
	put(tree, dev.Path(), "resources: [../../base]\nimages: [{name: "+checkout+", newName: "+checkout+", digest: "+digest("d")+"}]\n")
	put(tree, in("prd").Path(), "resources: [../../base]\nimages: [{name: "+checkout+", newName: "+checkout+", digest: "+digest("d")+"}]\n")
	if configured {
		for _, env := range []string{"dev", "prd"} {
			edit(tree, in(env).Path(), "images:", "configurations: [images.yaml]\nimages:")
			put(tree, in(env).Dir()+"/images.yaml", "images:\n- {path: spec/image, kind: NightlyJob}\n")
		}
	}
	return tree
}

// The image of a custom resource is one of the base, and kustomize says which of its fields are images.
func TestCustomResource(t *testing.T) {
	e, err := overlay.Set(nightly(true), dev, pin)
	if err != nil || !strings.Contains(string(e.After), pin.Digest) {
		t.Errorf("Set = %s, %v", e.After, err)
	}
	findings, err := overlay.VerifyOverlay(t.Context(), nightly(true), in("prd"), nil)
	if err != nil || len(findings) > 0 {
		t.Errorf("VerifyOverlay = %v, %v", findings, err)
	}
	_, err = overlay.Set(nightly(false), dev, pin)
	checkRefusal(t, err, overlay.ReasonNoEffect)
	if refusal := (*overlay.Refusal)(nil); errors.As(err, &refusal) &&
		(!strings.Contains(refusal.Problem, `NightlyJob "checkout" spec.image as "`+checkout+`:placeholder"`) || !strings.Contains(refusal.Next, "configurations")) {
		t.Errorf("the refusal is %+v", refusal)
	}
	// One that nothing pins is found outside of dev.
	tree := nightly(true)
	edit(tree, baseDeployment, "spec: {", "spec: {other: {image: \"quay.example.com/team-payments/cron:v1\"}, ")
	edit(tree, in("prd").Dir()+"/images.yaml", "images:\n", "images:\n- {path: spec/other/image, kind: NightlyJob}\n")
	findings, err = overlay.VerifyOverlay(t.Context(), tree, in("prd"), nil)
	if err != nil {
		t.Fatal(err)
	}
	checkFindings(t, []string{"prd not-pinned"}, findings)
}

// api and gate are two images of which the first one's name, as a pattern, matches the other.
const (
	api  = "quay.example.com/team-payments/checkout.api"
	gate = "quay.example.com/team-payments/checkout-api"
)

// twoImages is the app with the two in place of its own, and the items in each environment.
func twoImages(items ...string) fstest.MapFS {
	tree := app()
	edit(tree, baseDeployment, checkout+":placeholder", api+":placeholder")
	edit(tree, baseDeployment, proxy+":placeholder", gate+":v7")
	for _, env := range overlay.Environments {
		put(tree, in(env).Path(), "resources: [../../base]\nimages:\n"+strings.Join(items, ""))
	}
	return tree
}

// item is one of images.
func item(name, digest string) string {
	return "  - {name: " + name + ", newName: " + name + ", digest: " + digest + "}\n"
}

// What kustomize would also change is refused and named, and found.
func TestOtherImage(t *testing.T) {
	for name, test := range map[string]struct {
		tree       fstest.MapFS
		image      string
		problem    string
		next       string
		promotable bool
	}{
		"one item":           {twoImages(item(api, digest("d"))), api, `initContainers[0].image from "` + gate + ":v7\" to \"" + api + "@" + digest("a"), "a dot is any character", false},
		"two items":          {twoImages(item(api, digest("d")), item(gate, digest("e"))), api, gate, "a dot is any character", false},
		"the other first":    {twoImages(item(gate, digest("e")), item(api, digest("d"))), api, gate + "@" + digest("e"), "a dot is any character", false},
		"without newName":    {twoImages("  - {name: " + api + ", digest: " + digest("d") + "}\n"), api, gate + "@" + digest("a"), "a dot is any character", false},
		"the digest again":   {twoImages(item(api, digest("a"))), api, gate, "a dot is any character", false},
		"a part is copied":   {copied(false), checkout, proxy, "replacement", true},
		"a volume's image":   {otherVolume(), api, "volumes[0].image.reference", "a dot is any character", false},
		"the one it matches": {twoImages(item(gate, digest("e"))), gate, "", "", true},
		"a copy of it all":   {copied(true), checkout, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := overlay.Set(test.tree, dev, overlay.Pin{Image: test.image, Digest: digest("a")})
			if test.problem == "" {
				if err != nil || !e.Changed() {
					t.Errorf("Set = %s, %v", e.After, err)
				}
				return
			}
			checkRefusal(t, err, overlay.ReasonOtherImage)
			if refusal := (*overlay.Refusal)(nil); errors.As(err, &refusal) && (!strings.Contains(refusal.Problem, test.problem) || !strings.Contains(refusal.Next, test.next)) {
				t.Errorf("the refusal is %+v", refusal)
			}
			findings, err := overlay.VerifyOverlay(t.Context(), test.tree, in("prd"), nil)
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, f := range findings {
				found = found || f.Reason == overlay.ReasonOtherImage && f.Next != ""
			}
			if found == test.promotable {
				t.Errorf("verify finds %v", findings)
			}
		})
	}
}

// A promotion is an edit like others.
func TestPromoteChangesNoOtherImage(t *testing.T) {
	tree := twoImages(item(api, digest("d")))
	_, err := overlay.Promote(tree, dev, "stg")
	checkRefusal(t, err, overlay.ReasonOtherImage)
	if err != nil && !strings.Contains(err.Error(), gate+":v7") {
		t.Errorf("the other image is not named: %v", err)
	}
	tree = twoImages(item(checkout, digest("d")))
	edit(tree, baseDeployment, api, checkout)
	if _, err := overlay.Promote(tree, dev, "stg"); err != nil {
		t.Error(err)
	}
}

// copied is the app in which a replacement copies the image of one container to the other, all of it or its tag.
func copied(all bool) fstest.MapFS {
	tree := app()
	options := ", options: {delimiter: '@', index: 1}"
	source := options
	if all {
		options, source = "", ""
	}
	edit(tree, baseDeployment, proxy+":placeholder", proxy+"@"+digest("0"))
	for _, env := range overlay.Environments {
		put(tree, in(env).Path(), "resources: [../../base]\nimages:\n"+item(checkout, digest("d"))+`replacements:
- source: {kind: Deployment, fieldPath: "spec.template.spec.containers.[name=app].image"`+source+`}
  targets:
  - {select: {kind: Deployment}, fieldPaths: ["spec.template.spec.initContainers.0.image"]`+options+"}\n")
	}
	return tree
}

// otherVolume has the other image in a volume.
func otherVolume() fstest.MapFS {
	tree := twoImages(item(api, digest("d")))
	edit(tree, baseDeployment, gate+":v7", proxy+":v7")
	edit(tree, baseDeployment, "      containers:", "      volumes: [{name: x, image: {reference: \""+gate+":v7\"}}]\n      containers:")
	return tree
}

// A name that as a pattern matches nothing is named as the cause.
func TestNameIsNoPattern(t *testing.T) {
	const v6 = "[2001:db8::1]:5000/team-payments/checkout"
	tree := app()
	edit(tree, baseDeployment, checkout, v6)
	put(tree, dev.Path(), "resources: [../../base]\nimages: [{name: \""+v6+"\", newName: \""+v6+"\", digest: "+digest("d")+"}]\n")
	_, err := overlay.Set(tree, dev, overlay.Pin{Image: v6, Digest: digest("a")})
	checkRefusal(t, err, overlay.ReasonNoEffect)
	if err != nil && !strings.Contains(err.Error(), "does not match itself") {
		t.Error(err)
	}
}
