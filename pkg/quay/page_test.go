package quay_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
)

// wall is the page of a firewall that lets a request not through.
const wall = `<html><head><title>Request Rejected</title><style>b{}</style></head><body>Your support ID is:&nbsp;<b>4711</b><script>x()</script></body></html>`

// What stands in front of Quay is told with its words, and is not taken for a refusal by Quay.
func TestPagesInFrontOfQuay(t *testing.T) {
	q, c := start(t)
	const words = `"Request Rejected Your support ID is: 4711"`
	for name, test := range map[string]struct {
		status            int
		body, text, kinds string
		next              string
	}{
		"403 by a firewall":      {403, wall, "403 Forbidden " + words, "", "in front of Quay"},
		"401 by a login":         {401, wall, "401 Unauthorized " + words, "", "in front of Quay"},
		"404 by a gateway":       {404, wall, "404 Not Found " + words, "", "in front of Quay"},
		"406 by a firewall":      {406, wall, "406 Not Acceptable " + words, "", "in front of Quay"},
		"503 by a gateway":       {503, wall, "503 Service Unavailable " + words, "", "behind its proxy"},
		"plain words":            {403, "Access denied\r\nID 7\x1b[31m", `403 Forbidden "Access denied ID 7 [31m"`, "", "in front of Quay"},
		"JSON of somebody else":  {403, `{"support_id":"4711"}`, `403 Forbidden "{\"support_id\":\"4711\"}"`, "", "in front of Quay"},
		"words that Quay uses":   {400, "<p>Could not find robot: it already exists", "already exists", "", "in front of Quay"},
		"words about CSRF":       {403, "<p>CSRF token was invalid or missing", "CSRF", "", "in front of Quay"},
		"tags alone":             {403, "<html><body></body></html>", "403 Forbidden", "", "in front of Quay"},
		"a long one":             {403, strings.Repeat("<p>é</p>", 9000), strings.Repeat("é ", 65) + `é…"`, "", "in front of Quay"},
		"the page of nginx":      {403, "", "403 Forbidden 403 Forbidden nginx", "", "in front of Quay"},
		"nothing":                {403, "\r\n", "403 Forbidden", "forbidden", "the scope org:admin"},
		"Quay's own":             {403, `{"error_message":"Unauthorized","error_type":"insufficient_scope"}`, `403 Forbidden "Unauthorized"`, "forbidden", "the scope org:admin"},
		"Quay's own about CSRF":  {403, `{"error":"CSRF token was invalid or missing."}`, "CSRF", "unauthorized", ""},
		"Quay's own, not found":  {404, `{"error_message":"Not Found"}`, "404 Not Found", "not found", "run it again"},
		"Quay's own, downstream": {520, `{"error_message":"x","error_type":"downstream_issue"}`, `520  "x"`, "", "Quay's own log"},
		"520 by a proxy":         {520, wall, words, "", "behind its proxy"},
		"Quay's own, refused":    {400, `{"error_message":"Unknown user"}`, "Unknown user", "", "run it again"},
	} {
		t.Run(name, func(t *testing.T) {
			defer q.Faults.Clear()
			q.Faults.Add(quaytest.Fault{Times: -1, Effect: quaytest.Status(test.status, nil, test.body)})
			_, err := c.Prototypes(t.Context(), "team-a")
			e := (*quay.Error)(nil)
			if !errors.As(err, &e) || !strings.Contains(err.Error(), test.text) || kinds(err) != test.kinds || len(e.Message) > 200 {
				t.Errorf("error is %v: %q", err, kinds(err))
			}
			if got := quay.Next(err); (got == "") != (test.next == "") || !strings.Contains(got, test.next) {
				t.Errorf("next is %q, want %q", got, test.next)
			}
		})
	}
}

// A page that repeats what it was sent does not get a credential into an error, however it hides it.
func TestPagesHaveNoSecrets(t *testing.T) {
	q, _ := start(t)
	oauth := q.AddOAuthToken(everything)
	c := connect(t, q, oauth)
	encoded := strings.ReplaceAll(oauth, oauth[:1], "&#"+strconv.Itoa(int(oauth[0]))+";")
	for name, body := range map[string]string{
		"plain":      "<p>no: " + oauth + "</p>",
		"encoded":    "<p>no: " + encoded + "</p>",
		"at the cut": "no: " + strings.Repeat(" ", 32<<10-4-20) + oauth,
		"at the end": "no: " + strings.Repeat("x ", 90) + oauth,
	} {
		q.Faults.Clear()
		q.Faults.Add(quaytest.Fault{Times: -1, Effect: quaytest.Status(http.StatusForbidden, nil, body)})
		_, err := c.Prototypes(t.Context(), "team-a")
		if err == nil || !strings.Contains(err.Error(), `"no: `) || strings.Contains(err.Error(), oauth[:10]) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
