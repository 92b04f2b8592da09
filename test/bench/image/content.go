package image

import (
	"io"
	"math/rand/v2"
)

// seed makes the content of every image.
const seed = 20261124

// random is the content of layer n: bytes without a pattern.
func random(n int) io.Reader {
	return rand.NewChaCha8([32]byte{seed % 251, byte(n), byte(n >> 8)})
}

// words is endless text of which compression leaves less than half, as it does of programs.
type words struct {
	often *rand.Zipf
	list  [][]byte
	rest  []byte
}

// text is the content of layer n as text.
func text(n int) io.Reader {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	t := &words{often: rand.NewZipf(r, 1.1, 8, 1<<14-1)}
	for range 1 << 14 {
		word := make([]byte, 4+r.IntN(9))
		for i := range word {
			word[i] = byte('!' + r.IntN(90))
		}
		t.list = append(t.list, append(word, ' '))
	}
	return t
}

func (t *words) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(t.rest) == 0 {
			t.rest = t.list[t.often.Uint64()]
		}
		taken := copy(p[n:], t.rest)
		t.rest = t.rest[taken:]
		n += taken
	}
	return n, nil
}
