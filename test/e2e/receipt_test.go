//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/internal/receipttest"
	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/receipt"
	"github.com/comptech-lab/quay-push/test/stage"
)

// cosign is the program of make receipt.
const cosign = "../../bin/cosign"

// TestReceipt has the controller write receipts of a push with the team's own Secret, and of one from custody; cosign verifies both, as a
// stranger with the public key would, and refuses what another key should have signed, and an image that was pushed before.
func TestReceipt(t *testing.T) {
	program, err := filepath.Abs(cosign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatal("make bin/cosign builds it: ", err)
	}
	ctx := within(t, 6*time.Minute)
	claim := imageVolume(t, ctx)
	trustQuay(t, ctx)

	push := func(tag string) (digest string, results map[string]string, uid types.UID) {
		t.Helper()
		run := stage.From(claim, stage.NewPush(stage.Payments, stage.Payments.Repository))
		run.Labels = map[string]string{"pipelinesascode.tekton.dev/sha": strings.Repeat("3f", 20)}
		run, err := s.Run(ctx, run)
		if err != nil {
			t.Fatal(err)
		}
		custom, err := s.CustomRunOf(ctx, run)
		if err != nil {
			t.Fatal(err)
		}
		if outcome := stage.Outcome(custom.Status.Conditions); outcome.Status != corev1.ConditionTrue {
			t.Fatalf("%s: %s: %s", tag, outcome.Reason, outcome.Message)
		}
		results = map[string]string{}
		for _, r := range custom.Status.Results {
			results[r.Name] = r.Value
		}
		return results[v1alpha1.ResultImageDigest], results, custom.UID
	}
	key, public := receiptKey(t, ctx)
	transcript.mustNotHave(string(key))
	stranger := newVerifier(t, program)

	setReceipts(t, ctx, "")
	digest, results, _ := push("before")
	if results[v1alpha1.ResultReceipt] != "" {
		t.Errorf("a receipt was written that nobody wanted: %v", results)
	}
	if out, ok := stranger.verify(ctx, digest, public); ok {
		t.Errorf("cosign verifies what has no receipt: %s", out)
	}
	setReceipts(t, ctx, "secret:receipt-key")
	check := func(digest string, results map[string]string, uid types.UID) {
		t.Helper()
		out, ok := stranger.verify(ctx, digest, public)
		if !ok {
			t.Fatalf("cosign refuses the receipt: %s", out)
		}
		statement := statementOf(t, out, uid)
		p := statement.Predicate
		if p.Team != stage.Payments.Team || p.Robot != "team-payments+ci" || p.Run.PipelineRun == "" || p.Claimed == nil || statement.Subject[0].Name != stage.Payments.Repository {
			t.Errorf("it says %+v", statement)
		}
		if results[v1alpha1.ResultReceipt] == "" {
			t.Errorf("no result leads to it: %v", results)
		}
		_, _, other := receipttest.NewKey(t)
		if out, ok := stranger.verify(ctx, digest, other); ok {
			t.Errorf("with another key: %s", out)
		}
	}
	check(push("own"))
	takeIntoCustody(t, ctx, stage.Payments)
	bindCustody(t, ctx, stage.Payments)
	check(push("custody"))
}

// statementOf is the one of the run among those that cosign printed, a DSSE envelope a line.
func statementOf(t *testing.T, out string, uid types.UID) receipt.Statement {
	t.Helper()
	for line := range strings.Lines(out) {
		var e struct{ Payload string }
		if json.Unmarshal([]byte(line), &e) != nil {
			continue
		}
		payload, err := base64.StdEncoding.DecodeString(e.Payload)
		var s receipt.Statement
		if err == nil && json.Unmarshal(payload, &s) == nil && s.Predicate.Run.UID == string(uid) {
			return s
		}
	}
	t.Fatalf("no statement of run %s in %s", uid, out)
	return receipt.Statement{}
}

// receiptKey puts a key into the controller's namespace, as docs/receipts.md tells, and returns a line of it and the public one.
func receiptKey(t *testing.T, ctx context.Context) (line, public []byte) {
	t.Helper()
	_, text, public := receipttest.NewKey(t)
	secrets := s.Kube.CoreV1().Secrets("quay-push")
	_ = secrets.Delete(ctx, "receipt-key", metav1.DeleteOptions{})
	if _, err := secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "receipt-key"}, Data: map[string][]byte{"receipt.key": text}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = secrets.Delete(within(t, time.Minute), "receipt-key", metav1.DeleteOptions{}) })
	return bytes.Split(text, []byte("\n"))[2], public // The first line is the same of all.
}

// setReceipts sets receipt-key until the test ends.
func setReceipts(t *testing.T, ctx context.Context, value string) {
	t.Helper()
	set := func(ctx context.Context, value any) {
		patch, err := json.Marshal(map[string]any{"data": map[string]any{"receipt-key": value}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Kube.CoreV1().ConfigMaps("quay-push").Patch(ctx, "config-tenancy", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { set(within(t, time.Minute), nil) })
	set(ctx, value)
	time.Sleep(configSeen)
}

// configSeen is within what time the controller has heard of a changed ConfigMap.
const configSeen = 3 * time.Second

// verifier is a stranger with cosign, who reaches Quay by its name through a proxy.
type verifier struct {
	t             *testing.T
	program, home string
	env           []string
}

func newVerifier(t *testing.T, program string) verifier {
	t.Helper()
	proxy := httptest.NewServer(http.HandlerFunc(connect))
	t.Cleanup(proxy.Close)
	v := verifier{t: t, program: program, home: t.TempDir()}
	v.file("config.json", s.Quay.Dockerconfig(stage.Payments.Team))
	v.env = []string{"HOME=" + v.home, "DOCKER_CONFIG=" + v.home, "SSL_CERT_FILE=" + v.file("ca.pem", s.Quay.CA), "HTTPS_PROXY=" + proxy.URL, "PATH="}
	return v
}

func (v verifier) file(name string, content []byte) string {
	v.t.Helper()
	path := filepath.Join(v.home, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		v.t.Fatal(err)
	}
	return path
}

// verify returns what cosign says of the digest, and whether it is content.
func (v verifier) verify(ctx context.Context, digest string, public []byte) (out string, ok bool) {
	v.t.Helper()
	cmd := exec.CommandContext(ctx, v.program, "verify-attestation", "--key", v.file("receipt.pub", public), "--type", receipt.PredicateType,
		"--insecure-ignore-tlog", stage.Payments.Repository+"@"+digest)
	cmd.Env = v.env
	text, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		v.t.Fatal(err)
	}
	return string(text), err == nil
}

// connect is a proxy all of whose connections lead to Quay.
func connect(rw http.ResponseWriter, r *http.Request) {
	there, err := s.Quay.Transport.DialContext(r.Context(), "tcp", r.Host)
	if r.Method != http.MethodConnect || err != nil {
		http.Error(rw, fmt.Sprint(r.Method, " ", err), http.StatusBadGateway)
		return
	}
	defer there.Close()
	rw.WriteHeader(http.StatusOK)
	here, _, err := rw.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	copied := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{there, here}, {here, there}} {
		go func() {
			_, _ = io.Copy(way[0], way[1])
			copied <- struct{}{}
		}()
	}
	<-copied
}
