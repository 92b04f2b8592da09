package gitopstest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
)

// Import feeds git fast-import: what no work tree holds, such as millions of bytes in one blob, is written with it.
func (s *Server) Import(write func(w io.Writer)) {
	s.t.Helper()
	// Git looks for what large files have in common, for minutes.
	Git(s.t, s.Dir, "config", "core.bigFileThreshold", "1m")
	cmd := exec.Command("git", "fast-import", "--quiet", "--force")
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, os.Stderr, os.Stderr
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	write(in)
	in.Close()
	if err := cmd.Wait(); err != nil {
		s.t.Fatalf("git fast-import: %v", err)
	}
}

// StartCommit begins a commit on top of main in a stream for Import; lines that change files follow.
func StartCommit(w io.Writer) {
	fmt.Fprint(w, "commit refs/heads/main\ncommitter dev <dev@example.com> 1000000000 +0000\ndata 4\nmore\nfrom refs/heads/main^0\n")
}

// WriteFile adds a file of size bytes to a commit in a stream for Import.
func WriteFile(w io.Writer, name string, size int64, content io.Reader) {
	fmt.Fprintf(w, "M 100644 inline %s\ndata %d\n", name, size)
	io.CopyN(w, content, size)
	fmt.Fprintln(w)
}

// Noise is an endless stream that no compression makes smaller, the same one for each seed.
func Noise(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// Zeros is an endless stream that compression makes a thousand times smaller.
type Zeros struct{}

// Read fills p with zeros.
func (Zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
