package gitopstest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// WriteCommit adds a commit of a time to a stream for Import, in which the given files are changed. Its parent is from, such as
// refs/heads/main^0 for what the branch had before the stream, or a branch of the stream; empty: the branch's commit before in it.
func WriteCommit(w io.Writer, when time.Time, branch, from string, files map[string]string) {
	fmt.Fprintf(w, "commit refs/heads/%s\ncommitter dev <dev@example.com> %d +0000\ndata 4\nmore\n", branch, when.Unix())
	if from != "" {
		fmt.Fprintf(w, "from %s\n", from)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		WriteFile(w, name, int64(len(files[name])), strings.NewReader(files[name]))
	}
}
