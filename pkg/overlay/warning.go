package overlay

import (
	"bufio"
	"io/fs"
	"log"
	"os"
	"strings"
	"sync"
)

// Warner is a tree that hears what kustomize warns of, such as a deprecated field, and what an edit does not do with another kustomize.
// Without it the warnings are dropped.
type Warner interface {
	// Warn gets one line; the same line may come several times.
	Warn(line string)
}

// maxWarning is how much of one line is handed on, in bytes.
const maxWarning = 500

// listen runs build, and hands what it meanwhile writes to the process's stderr and to package log to the tree. os.Stderr is
// exchanged since kustomize's api v0.21.2 writes its warnings there, and has no hook for them.
func listen(tree fs.FS, build func()) {
	heard := &warnings{}
	heard.to, _ = tree.(Warner)
	read, write, err := os.Pipe()
	if err != nil {
		build() // Its warnings stay where they are.
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		heard.readFrom(bufio.NewReader(read))
	}()
	stderr, output, flags := os.Stderr, log.Writer(), log.Flags()
	os.Stderr = write
	// Not through the pipe: log.Fatal would end the process before it is read.
	log.SetOutput(heard)
	log.SetFlags(0)
	defer func() {
		os.Stderr = stderr
		log.SetOutput(output)
		log.SetFlags(flags)
		write.Close()
		<-done
		read.Close()
	}()
	build()
}

// warnings hands lines on, one at a time.
type warnings struct {
	mu sync.Mutex
	to Warner
}

// readFrom reads lines to the end, of each only its beginning.
func (w *warnings) readFrom(lines *bufio.Reader) {
	for {
		line, more, err := lines.ReadLine()
		if err != nil {
			return
		}
		w.Write(line)
		for more && err == nil {
			_, more, err = lines.ReadLine()
		}
	}
}

// Write takes one line; it is an io.Writer for package log, which hands over no less.
func (w *warnings) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	line := strings.Trim(string(p[:min(len(p), maxWarning)]), "# \n")
	if line != "" && w.to != nil {
		w.to.Warn(strings.ToValidUTF8(line, "…"))
	}
	return len(p), nil
}
