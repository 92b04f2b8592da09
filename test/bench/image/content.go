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

// jars is the content of layer n: by turns, a MiB each, what is packed already, as the classes in a jar or a model's weights, and text.
func jars(n int) io.Reader { return &turns{readers: [2]io.Reader{random(n), text(n)}} }

// turns reads from each of two readers in its turn.
type turns struct {
	readers [2]io.Reader
	at      int
}

func (t *turns) Read(p []byte) (int, error) {
	const turn = 1 << 20
	n, err := t.readers[t.at/turn%2].Read(p[:min(len(p), turn-t.at%turn)])
	t.at += n
	return n, err
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
