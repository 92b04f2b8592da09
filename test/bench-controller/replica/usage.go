package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the kernel's processor times, on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// CPU is the processor time that the replica has used.
func (r *Replica) CPU() (time.Duration, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	return cpu(content)
}

// cpu reads utime and stime, the 14th and 15th field; the second, in parentheses, may hold anything.
func cpu(stat []byte) (time.Duration, error) {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0, errors.New("reading a process's stat: too few fields")
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err, err2)
}

// Memory is what the replica has of the machine's, in bytes.
type Memory struct {
	// Resident is now, Peak the most that it ever was. Program is the part of Resident that is pages of the program's file, which
	// the kernel takes back when it needs them.
	Resident, Peak, Program int64
	// Live is the part of the heap that a collection leaves.
	Live int64
}

// Memory returns what the replica uses. Resident is read before the collection that Live takes.
func (r *Replica) Memory(ctx context.Context) (Memory, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.command.Process.Pid))
	if err != nil {
		return Memory{}, err
	}
	m, err := memory(content)
	if err != nil {
		return m, err
	}
	profile, err := r.get(ctx, 8008, "/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return m, fmt.Errorf("asking a replica for its heap: %w", err)
	}
	m.Live, err = number(string(profile), "# HeapAlloc = ")
	return m, err
}

func memory(status []byte) (m Memory, err error) {
	var errs [3]error
	m.Resident, errs[0] = number(string(status), "VmRSS:")
	m.Peak, errs[1] = number(string(status), "VmHWM:")
	m.Program, errs[2] = number(string(status), "RssFile:")
	m.Resident, m.Peak, m.Program = m.Resident<<10, m.Peak<<10, m.Program<<10
	return m, errors.Join(errs[:]...)
}

// number reads what stands after prefix, at the beginning of a line, up to a space.
func number(text, prefix string) (int64, error) {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, prefix); found {
			return strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("reading a process's memory: no line begins with %q", prefix)
}
