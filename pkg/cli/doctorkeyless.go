package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// maxDocument is the largest document of an issuer in bytes that is read.
const maxDocument = 1 << 20

// lookAtKeyless looks at what all keyless teams depend on.
func (d *doctor) lookAtKeyless(ctx context.Context) {
	switch {
	case d.unlisted != nil:
		d.cannot(d.unlisted, keylessLooks...)
		return
	case len(d.keyless) == 0:
		for _, id := range keylessLooks {
			d.addAs(healthy, id, "", "no team is keyless")
		}
		return
	}
	d.lookAtIssuer(ctx)
	d.lookAtAccounts(ctx)
}

// lookAtIssuer compares what the API server says of its tokens with what Quay takes, and with what Quay is told when it asks.
func (d *doctor) lookAtIssuer(ctx context.Context) {
	const here, there = "issuer", "issuer-published"
	own, err := d.clusterIssuer(ctx)
	if err != nil {
		d.cannot(err, here, there)
		return
	}
	if problem, next := own.Refusal(); problem != "" {
		d.addAs(sick, here, next, problem)
		d.skip([]string{there}, "see issuer")
		return
	}
	d.warn(here, !federation.Inside(own.Name), "if Quay runs elsewhere: "+federation.NextPublish,
		fmt.Sprintf("issuer %q has an RSA key that Quay takes", own.Name), fmt.Sprintf("issuer %q is at a name of this cluster: only a Quay that runs in it can ask it", own.Name))
	published, err := d.published(ctx, own.Name)
	if err != nil {
		d.addAs(unknown, there, "see from Quay's own host that both documents are there, with a certificate that Quay trusts (extra_ca_certs)", shown.Line(err.Error()))
		return
	}
	missing := slices.DeleteFunc(slices.Clone(own.Keys), func(key string) bool { return slices.Contains(published.Keys, key) })
	switch {
	case published.Name != own.Name:
		d.addAs(sick, there, "let both name the same issuer, each character", fmt.Sprintf("the document of issuer %q names issuer %q", own.Name, shown.Short(published.Name)))
	case len(missing) > 0:
		d.addAs(sick, there, "publish the keys of "+keysPath+" again, after each change of the API server's",
			fmt.Sprintf("keys of the API server are not published: %s", shortList(missing)))
	default:
		d.addAs(healthy, there, "", fmt.Sprintf("both documents of issuer %q are published, with the keys that the API server has", own.Name))
	}
}

// published reads the documents of the issuer of that name, as Quay does. From where this runs that may fail, and from Quay's host not.
func (d *doctor) published(ctx context.Context, name string) (federation.Issuer, error) {
	client, err := d.quayHTTP()
	if err != nil {
		return federation.Issuer{}, err
	}
	discovery, err := document(ctx, client, strings.TrimSuffix(name, "/")+discoveryPath)
	if err != nil {
		return federation.Issuer{}, err
	}
	first, err := federation.ReadIssuer(discovery, []byte("{}"))
	if err != nil {
		return federation.Issuer{}, err
	}
	keys, err := document(ctx, client, first.KeysAt)
	if err != nil {
		return federation.Issuer{}, err
	}
	return federation.ReadIssuer(discovery, keys)
}

// document reads one over HTTP.
func document(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("reading a document of the issuer: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("reading a document of the issuer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("reading %q: %s", shown.Short(address), response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxDocument))
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", shown.Short(address), err)
	}
	return data, nil
}

// lookAtAccounts looks for Pods that are a team at Quay.
func (d *doctor) lookAtAccounts(ctx context.Context) {
	const id = "keyless-accounts"
	used := []string{}
	err := eachPage(ctx, func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
		return d.clients.Kube.CoreV1().Pods(d.config.CustodyNamespace).List(ctx, opts)
	}, func(o runtime.Object) {
		if pod := o.(*corev1.Pod); slices.Contains(d.keyless, pod.Spec.ServiceAccountName) {
			used = append(used, pod.Name)
		}
	})
	if err != nil {
		d.cannot(fmt.Errorf("listing Pods in namespace %q: %w", d.config.CustodyNamespace, err), id)
		return
	}
	const audience = "; Quay looks at no audience, so that any token of one is good for a push"
	d.add(id, len(used) == 0, "delete them, and see who made them: docs/custody.md has the policy against that",
		fmt.Sprintf("no Pod in namespace %q is the ServiceAccount of a keyless team", d.config.CustodyNamespace)+audience,
		fmt.Sprintf("Pods in namespace %q are ServiceAccounts of keyless teams: %s", d.config.CustodyNamespace, shortList(used))+audience)
}
