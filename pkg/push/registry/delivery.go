package registry

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// maxStart is how many bytes of a delivery are kept, to be told if they are not of the blob.
const maxStart = 8 << 10

// delivery is an answer that should have a blob, or the rest of one. What it is shows by its bytes alone: a login page comes with
// any type, and a good blob, too.
type delivery struct {
	*http.Response
	start   []byte
	secrets secrets
}

func (d *delivery) Read(b []byte) (int, error) {
	n, err := d.Body.Read(b)
	d.start = append(d.start, b[:min(n, maxStart-len(d.start))]...)
	return n, err
}

// fits is the error for an answer that by its own headers has not what is left of size bytes from byte at on.
func (d *delivery) fits(at, size int64) error {
	if d.StatusCode == http.StatusOK {
		if d.ContentLength >= 0 && d.ContentLength != size {
			return fmt.Errorf("has %d bytes, its descriptor says %d", d.ContentLength, size)
		}
		return nil
	}
	given := d.Header.Get("Content-Range")
	first, total, ok := parseContentRange(given)
	if !ok || first != at || total >= 0 && total != size || d.ContentLength > size-at {
		return fmt.Errorf("of %d bytes is not continued at byte %d: the answer has the range %q", size, at, failure.Shorten(given))
	}
	return nil
}

// parseContentRange reads where the range of a header starts, and the size of the whole; -1 if that is unknown (RFC 9110 section 14.4).
func parseContentRange(value string) (first, total int64, ok bool) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	given, whole, _ := strings.Cut(rest, "/")
	begin, _, _ := strings.Cut(given, "-")
	first, err := strconv.ParseInt(strings.TrimSpace(begin), 10, 64)
	if err != nil || !strings.EqualFold(unit, "bytes") {
		return 0, 0, false
	}
	if strings.TrimSpace(whole) == "*" {
		return first, -1, true
	}
	total, err = strconv.ParseInt(strings.TrimSpace(whole), 10, 64)
	return first, total, err == nil
}

// String is the request and the answer in one line.
func (d *delivery) String() string {
	return fmt.Sprintf("GET %s: %d %s (server %q, type %q)", failure.Address(d.Request.URL), d.StatusCode, http.StatusText(d.StatusCode),
		shown.Cut(d.hide(d.Header.Get("Server")), 60), shown.Cut(d.hide(d.Header.Get("Content-Type")), 60))
}

// text is the start without what stands in front of a text.
func (d *delivery) text() []byte {
	start := d.start
	if strings.EqualFold(d.Header.Get("Content-Encoding"), "gzip") {
		if decoded, err := gzip.NewReader(bytes.NewReader(start)); err == nil {
			start, _ = io.ReadAll(io.LimitReader(decoded, maxStart)) // It is cut off.
		}
	}
	start = []byte(d.secrets.hide(string(start)))
	return bytes.TrimSpace(bytes.TrimPrefix(start, []byte("\xef\xbb\xbf")))
}

// isPage reports whether what came is one, as a firewall or a login sends it: HTML or XML.
func (d *delivery) isPage() bool { return bytes.HasPrefix(d.text(), []byte("<")) }

// words are those that the answer begins with; "" for what is no text. Of JSON they are a server's error alone: a config has
// what its author put there.
func (d *delivery) words() string {
	text := d.text()
	switch {
	case d.isPage():
		return failure.Page(text, d.hide)
	case bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")):
		said := (&Answer{Body: text}).err()
		return failure.Page([]byte(said.Code+" "+said.Message), d.hide)
	case bytes.IndexByte(text, 0) < 0 && utf8.Valid(text[:max(0, len(text)-utf8.UTFMax)]):
		return failure.Page(text, d.hide)
	}
	return ""
}

// hide takes out the secrets, and what looks like one: what is in the place of a blob may tell a signed address.
func (d *delivery) hide(text string) string { return secretsLike(d.secrets.hide(text)) }
