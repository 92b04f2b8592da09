package registry

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
)

// Request is one that nginx answered.
type Request struct {
	Agent, Proto, Method, URI, Status string
}

// Requests are all that were answered so far. nginx writes a request down when it has answered it, so that the last one of
// a client may come a moment after the client's end.
func (r *Registry) Requests() ([]Request, error) {
	file, err := os.Open(filepath.Join(r.dir, "access.log"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []Request
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if f := strings.Split(lines.Text(), "\t"); len(f) == 5 {
			all = append(all, Request{f[0], f[1], f[2], f[3], f[4]})
		}
	}
	return all, lines.Err()
}
