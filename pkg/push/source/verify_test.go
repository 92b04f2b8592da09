package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// text is a source with one content for everything.
type text struct{ Source }

func (s text) open(context.Context, v1.Descriptor) (io.ReadCloser, error) {
	return io.NopCloser(iotest.HalfReader(strings.NewReader("four hundred bytes or so"))), nil
}

func describe(content string, size int64) v1.Descriptor {
	sum := sha256.Sum256([]byte(content))
	return v1.Descriptor{Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}, Size: size}
}

// The end of wrong content is never handed out: no registry gets all of it.
func TestVerifiedKeepsTheEndOfWrongContent(t *testing.T) {
	const content = "four hundred bytes or so"
	for _, test := range []struct {
		name string
		want v1.Descriptor
		text string
	}{
		{"good", describe(content, int64(len(content))), ""},
		{"good beginning of a longer file", describe(content[:4], 4), ""},
		{"empty", describe("", 0), ""},
		{"other content", describe("other", int64(len(content))), "hashes to"},
		{"other empty content", describe("other", 0), "hashes to"},
		{"too short", describe(content, 100), "ends after 24 of 100 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			counted := 0
			r, err := OpenVerified(t.Context(), text{}, test.want, func(n int) { counted += n })
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := io.ReadAll(r)
			if test.text == "" {
				if err != nil || int64(len(got)) != test.want.Size || counted != len(got) {
					t.Errorf("read %q, %v, counted %d", got, err, counted)
				}
				return
			}
			if reason := (*failure.Error)(nil); !errors.As(err, &reason) || reason.Class != failure.ClassSourceCorrupt || !strings.Contains(err.Error(), test.text) {
				t.Errorf("error is %v, want %q in it", err, test.text)
			}
			if int64(len(got)) >= test.want.Size && test.want.Size > 0 {
				t.Errorf("all %d bytes of wrong content were handed out", len(got))
			}
		})
	}
}
