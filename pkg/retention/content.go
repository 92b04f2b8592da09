package retention

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
)

const (
	// maxInflated is how many bytes are looked at of a file that is compressed; maxInflatedAll of all of them in one look at a repository.
	maxInflated    = 64 << 20
	maxInflatedAll = 1 << 30
	// maxDigests is how many digests are noted of a file that no other has; maxDigestsAll of all files and overlays in one look at a
	// repository. Each takes some 200 bytes.
	maxDigests    = 100_000
	maxDigestsAll = 500_000
)

var errDigests = fmt.Errorf("it names more than %d digests, or all files more than %d: split it, or take it from all branches and tags and wait for the grace period", maxDigests, maxDigestsAll)

var errInflated = fmt.Errorf("it unpacks to more than %d MiB, or all files in gzip to more than %d: split it, or take it from all branches and tags and wait for the grace period", maxInflated>>20, maxInflatedAll>>20)

// hexDigits is how many digits a digest has. They are looked for alone: a chart that knows no digests gets one as repository x@sha256 and tag
// <64 hex>, JSON and YAML can write the colon in other ways, and a string may go on in the next line.
const hexDigits = 64

// contents finds digests in the files of one repository.
type contents struct{ inflated int64 }

// digests calls need with every sha256:<64 hex> of which the digits stand in content, or in what is compressed there with gzip, such as a
// chart. That something else has the same digits keeps an anchor, and no more. The error is that content is too large, or need's, which ends
// it.
func (c *contents) digests(content []byte, need func(digest string) error) error {
	if bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		unpacked, err := c.inflate(content)
		if err != nil {
			return err
		}
		content = unpacked
	}
	for at := 0; at < len(content); at++ {
		begin := at
		for at < len(content) && isHex(content[at]) {
			at++
		}
		if at-begin < hexDigits {
			continue
		}
		// More digits may stand before or behind it.
		for _, match := range [][]byte{content[begin:][:hexDigits], content[at-hexDigits : at]} {
			if err := need("sha256:" + string(match)); err != nil {
				return err
			}
		}
	}
	return nil
}

// isHex reports whether a byte is a digit of a digest.
func isHex(b byte) bool { return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' }

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
