//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/cli"
	records "github.com/comptech-lab/quay-push/pkg/fleet"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// scraper reads the controller's metrics as Prometheus does: over TLS, with the token of config/monitoring's account.
type scraper struct {
	*fleet
	token string
	// replicas are ports here that lead to each replica's metrics.
	replicas []string
}

func (f *fleet) newScraper(ctx context.Context) *scraper {
	f.Helper()
	f.Cleanup(func() {
		f.run(within(f.T, time.Minute), checkout, "kubectl delete --ignore-not-found -f config/monitoring/metrics-reader.yaml")
	})
	f.run(ctx, checkout, "kubectl apply -f config/monitoring/metrics-reader.yaml")
	r := &scraper{fleet: f}
	waitUntil(f.T, ctx, "the account's Secret has its token", func() bool {
		found, err := s.Kube.CoreV1().Secrets(system).Get(ctx, "metrics-reader", metav1.GetOptions{})
		if err != nil {
			return false
		}
		r.token = string(found.Data[corev1.ServiceAccountTokenKey])
		return r.token != ""
	})
	pods, err := s.Kube.CoreV1().Pods(system).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=controller", FieldSelector: "status.phase=Running"})
	if err != nil || len(pods.Items) < 2 {
		f.Fatalf("%d replicas, %v", len(pods.Items), err)
	}
	for _, pod := range pods.Items {
		address, err := s.ForwardPod(ctx, system, pod.Name, 9090)
		if err != nil {
			f.Fatal(err)
		}
		r.replicas = append(r.replicas, address)
	}
	return r
}

// read returns the fleet's series of a replica, each as it stands in the answer.
func (r *scraper) read(ctx context.Context, replica string) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+replica+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+r.token)
	// Its certificate is of its own making, and nobody can check it.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", response.Status)
	}
	series := map[string]float64{}
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), " "); strings.HasPrefix(name, "quay_push_fleet_") {
			if series[name], err = strconv.ParseFloat(value, 64); err != nil {
				return nil, err
			}
		}
	}
	return series, nil
}

// ages are the series of ages that are to be there, each with when Vault wrote what it is the age of.
func (f *fleet) ages(ctx context.Context, of ...string) map[string]time.Time {
	f.Helper()
	ages := map[string]time.Time{"quay_push_fleet_oauth_token_age_seconds": f.writtenAt(ctx, "platform/quay-push/quay-token")}
	for team, at := range f.written(ctx, of...) {
		ages[fmt.Sprintf(`quay_push_fleet_token_age_seconds{team="%s"}`, team)] = at
	}
	return ages
}

// tells waits until both replicas tell want, and the ages, and nothing else.
func (r *scraper) tells(ctx context.Context, want map[string]float64, ages map[string]time.Time) {
	r.Helper()
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	for i, replica := range r.replicas {
		diff := ""
		waiting := func() bool {
			before := time.Now()
			got, err := r.read(ctx, replica)
			if err != nil {
				diff = err.Error()
				return false
			}
			for name, at := range ages {
				// Vault's time is to the second in the record.
				if age := got[name]; age < before.Sub(at).Seconds()-1 || age > time.Since(at).Seconds()+1 {
					diff = fmt.Sprintf("%s is %.0f, and it was written at %s", name, age, at)
					return false
				}
				delete(got, name)
			}
			diff = cmp.Diff(want, got)
			return diff == ""
		}
		for tick := time.NewTicker(200 * time.Millisecond); !waiting(); {
			select {
			case <-ctx.Done():
				r.Fatalf("replica %d never told what the last runs found (-want +got):\n%s", i, diff)
			case <-tick.C:
			}
		}
	}
}

// verification is what the metrics are to be after a run that found what the tool, asked at once, finds. good is when it ended.
func (f *fleet) verification(reports []robot.Report, good time.Time) map[string]float64 {
	want := map[string]float64{`quay_push_fleet_last_success_timestamp_seconds{run="verify"}`: float64(good.Unix()),
		`quay_push_fleet_verified_teams{right="true"}`: 0, `quay_push_fleet_verified_teams{right="false"}`: 0}
	for _, r := range reports {
		want[fmt.Sprintf(`quay_push_fleet_verified_teams{right="%t"}`, r.OK())]++
		for _, c := range r.Checks {
			want[fmt.Sprintf(`quay_push_fleet_checks{check="%s",status="%s"}`, c.ID, c.Status)]++
			if c.Status != robot.Passed {
				want[fmt.Sprintf(`quay_push_fleet_finding{check="%s",status="%s",team="%s"}`, c.ID, c.Status, r.Tenant)] = 1
			}
		}
	}
	return want
}

// rotation is what the metrics are to be after a run of rotate.
func rotation(r records.Rotation, outcomes map[robot.Outcome]float64) map[string]float64 {
	want := map[string]float64{`quay_push_fleet_last_success_timestamp_seconds{run="rotate"}`: 0}
	if r.Ended.IsZero() {
		return want
	}
	want[`quay_push_fleet_last_success_timestamp_seconds{run="rotate"}`] = float64(r.Ended.Unix())
	want[`quay_push_fleet_token_max_age_seconds`] = r.MaxAgeSeconds
	for _, o := range robot.Outcomes {
		want[fmt.Sprintf(`quay_push_fleet_rotated_teams{outcome="%s"}`, o)] = outcomes[o]
	}
	return want
}

// asked returns what verify --all finds now, and how it ends.
func (f *fleet) asked(ctx context.Context) ([]robot.Report, cli.Exit) {
	f.Helper()
	var stderr strings.Builder
	exit, stdout := f.start(ctx, &stderr, "verify", "--all", "-o", "json")
	var found struct{ Reports []robot.Report }
	if err := json.Unmarshal([]byte(stdout), &found); err != nil {
		f.Fatalf("%v\n%s%s", err, stdout, stderr.String())
	}
	return found.Reports, exit
}

// alerted checks that the alerts and the dashboard ask for metrics that are there.
func (r *scraper) alerted(ctx context.Context) {
	r.Helper()
	served := map[string]bool{}
	for _, replica := range r.replicas {
		series, err := r.read(ctx, replica)
		if err != nil {
			r.Fatal(err)
		}
		for name := range maps.Keys(series) {
			name, _, _ = strings.Cut(name, "{")
			served[name] = true
		}
	}
	for _, file := range []string{"prometheus-rule.yaml", "dashboard.yaml"} {
		data, err := os.ReadFile("../../config/monitoring/" + file)
		if err != nil {
			r.Fatal(err)
		}
		asked := regexp.MustCompile(`quay_push_fleet_\w+`).FindAllString(string(data), -1)
		if len(asked) < 5 {
			r.Errorf("%s asks for %q", file, asked)
		}
		for _, name := range asked {
			if !served[name] {
				r.Errorf("%s asks for %s, which no replica serves", file, name)
			}
		}
	}
}
