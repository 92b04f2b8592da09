package retention

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"regexp"
)

const (
	// maxInflated is how many bytes are looked at of a file that is compressed; maxInflatedAll of all of them in one look at a repository.
	maxInflated    = 64 << 20
	maxInflatedAll = 1 << 30
)

var errInflated = fmt.Errorf("it unpacks to more than %d MiB, or all files in gzip to more than %d: split it, or take it from all branches and tags and wait for the grace period", maxInflated>>20, maxInflatedAll>>20)

// hexInText are the digits of a digest. A chart that knows no digests gets one as repository x@sha256 and tag <64 hex>, JSON and YAML can
// write the colon in other ways, and a string may go on in the next line.
var hexInText = regexp.MustCompile(`[0-9a-f]{64,}`)

// contents finds digests in the files of one repository.
type contents struct{ inflated int64 }

// digests calls need with every sha256:<64 hex> of which the digits stand in content, or in what is compressed there with gzip, such as a
// chart. That something else has the same digits keeps an anchor, and no more. The error is that content is too large.
func (c *contents) digests(content []byte, need func(digest string)) error {
	if bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		unpacked, err := c.inflate(content)
		if err != nil {
			return err
		}
		content = unpacked
	}
	for _, match := range hexInText.FindAll(content, -1) {
		need("sha256:" + string(match[:64]))
		need("sha256:" + string(match[len(match)-64:])) // More digits may stand before or behind it.
	}
	return nil
}

// inflate unpacks content. What is no gzip after all is as far as it goes.
func (c *contents) inflate(content []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return content, nil
	}
	unpacked, _ := io.ReadAll(io.LimitReader(r, maxInflated+1))
	c.inflated += int64(len(unpacked))
	if len(unpacked) > maxInflated || c.inflated > maxInflatedAll {
		return nil, errInflated
	}
	return unpacked, nil
}
