package registry

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Request is one that nginx answered.
type Request struct {
	Agent, Proto, Method, URI, Status string
}

// Requests are all that were answered so far. nginx writes a request down when it has answered it, which may be a moment
// after the client's end: so it waits until none comes any more.
func (r *Registry) Requests() ([]Request, error) {
	const quiet = 30 * time.Millisecond
	all, err := r.read()
	for last := -1; err == nil && len(all) != last; {
		last = len(all)
		time.Sleep(quiet)
		all, err = r.read()
	}
	return all, err
}

// read reads nginx's log.
func (r *Registry) read() ([]Request, error) {
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
