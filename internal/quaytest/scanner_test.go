package quaytest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// verdict asks for the verdict on a digest of team-a/app as the robot.
func verdict(t *testing.T, q *quaytest.Quay, password, dgst string) answer {
	t.Helper()
	c := &client{t: t, q: q}
	return c.do(http.MethodGet, "/api/v1/repository/team-a/app/manifest/"+dgst+"/security?vulnerabilities=true", "",
		"Authorization", basic("team-a+ci", password))
}

// endpoints/api/secscan.py, in each of its states.
func TestVerdicts(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	names := []string{"scanned", "failed", "large", "holes"}
	digests := map[string]string{}
	manifests := []string{}
	for _, name := range names {
		m := c.manifest(app, nil, []string{name}, nil)
		c.put(app, "", ociManifest, m).want(t, http.StatusCreated, "")
		digests[name], manifests = digest(m), append(manifests, m)
	}
	all := index(t, manifests...)
	c.put(app, "", ociIndex, all).want(t, http.StatusCreated, "")
	// Without a scanner the address is that of a repository, where nobody comes in with Basic.
	verdict(t, q, token, digests["scanned"]).want(t, http.StatusUnauthorized, "Requires authentication")
	q.SetScanner(&quaytest.Scanner{Delay: time.Minute, Verdict: func(repo, dgst string) quaytest.Verdict {
		switch dgst {
		case digests["failed"]:
			return quaytest.Verdict{Status: quaytest.ScanFailed}
		case digests["large"]:
			return quaytest.Verdict{Status: quaytest.LayerTooLarge}
		case digests["holes"]:
			return quaytest.Verdict{Packages: []quaytest.Package{{Name: "openssl", Version: "1", Vulnerabilities: []quaytest.Vulnerability{
				{Name: "CVE-2026-1", Severity: "High", FixedBy: "2", Score: 7.5, Link: "https://x/CVE-2026-1000"}, {Name: "CVE-2026-2", Severity: "Low"}}}}}
		}
		return quaytest.Verdict{}
	}})
	for _, d := range digests {
		verdict(t, q, token, d).want(t, http.StatusOK, `{"data":null,"status":"queued"}`)
	}
	verdict(t, q, token, digest(all)).want(t, http.StatusOK, `"status":"queued"`)
	q.Advance(30 * time.Second)
	verdict(t, q, token, digest(all)).want(t, http.StatusOK, `{"data":null,"status":"unsupported"}`)
	verdict(t, q, token, digests["scanned"]).want(t, http.StatusOK, `"status":"queued"`)
	q.Advance(30 * time.Second)
	verdict(t, q, token, digests["scanned"]).want(t, http.StatusOK, `"Features":[]`)
	verdict(t, q, token, digests["failed"]).want(t, http.StatusOK, `{"data":null,"status":"failed"}`)
	verdict(t, q, token, digests["large"]).want(t, http.StatusOK, `{"data":null,"status":"manifest_layer_too_large"}`)
	holes := verdict(t, q, token, digests["holes"])
	holes.want(t, http.StatusOK, `"FixedBy":"2"`)
	holes.want(t, http.StatusOK, `"BaseScores":[7.5],"CVEIds":["CVE-2026-1000"]`)
	verdict(t, q, token, digest("nothing")).want(t, http.StatusNotFound, `"error_type":"not_found"`)
	verdict(t, q, "wrong", digests["scanned"]).want(t, http.StatusUnauthorized, `"error_type":"invalid_token"`)
	// A bearer is a password, too, as an exchanged token is.
	verdict(t, q, c.bearer, digests["failed"]).want(t, http.StatusOK, `"status":"failed"`)
	q.Revoke(app, "team-a+ci")
	verdict(t, q, token, digests["failed"]).want(t, http.StatusForbidden, `"error_type":"insufficient_scope"`)
}

// With one worker the third image waits for the two before it; a second push starts nothing again.
func TestScansQueue(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, app)
	digests := []string{}
	for _, layer := range []string{"a", "b", "c"} {
		m := c.manifest(app, nil, []string{layer}, nil)
		c.put(app, "", ociManifest, m).want(t, http.StatusCreated, "")
		digests = append(digests, digest(m))
	}
	scanner := &quaytest.Scanner{Delay: 10 * time.Minute, Workers: 1}
	q.SetScanner(scanner)
	for minutes := 0; minutes <= 30; minutes += 5 {
		for i, d := range digests {
			want := `"status":"queued"`
			if minutes >= 10*(i+1) {
				want = `"status":"scanned"`
			}
			verdict(t, q, token, d).want(t, http.StatusOK, want)
		}
		c.put(app, "", ociManifest, c.manifest(app, nil, []string{"c"}, nil)).want(t, http.StatusCreated, "")
		q.Advance(5 * time.Minute)
	}
	// Its hour over, the manifest is out of sight for pulls, and the verdict is still there until it is collected.
	q.Advance(2 * time.Hour)
	c = pusher(t, q, token, app)
	c.get(app, digests[0]).want(t, http.StatusNotFound, "")
	verdict(t, q, token, digests[0]).want(t, http.StatusOK, `"status":"scanned"`)
	q.SetScanner(&quaytest.Scanner{Unreachable: true})
	verdict(t, q, token, digests[0]).want(t, 520, `"error_type":"downstream_issue"`)
	q.SetTimeMachine("team-a", 0)
	q.CollectGarbage()
	verdict(t, q, token, digests[0]).want(t, http.StatusNotFound, `"error_type":"not_found"`)
}
