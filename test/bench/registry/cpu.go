package registry

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit in which the kernel tells the time of other processes (man proc_pid_stat, sysconf(_SC_CLK_TCK)).
const tick = time.Second / 100

// CPU is what nginx and this process, in which registry and relay run, have used of the processors so far.
func (r *Registry) CPU() (time.Duration, error) {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return 0, err
	}
	all := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	master := r.front.cmd.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", master, master))
	if err != nil {
		return 0, err
	}
	for _, worker := range strings.Fields(string(children)) {
		stat, err := os.ReadFile("/proc/" + worker + "/stat")
		if err != nil {
			return 0, err
		}
		used, err := parseStat(string(stat))
		if err != nil {
			return 0, fmt.Errorf("reading the processor time of %s: %w", worker, err)
		}
		all += used
	}
	return all, nil
}

// parseStat is the time in a line of /proc/PID/stat: fields 14 and 15, the name of the program being the second one.
func parseStat(line string) (time.Duration, error) {
	const utime, stime = 14 - 3, 15 - 3
	_, rest, _ := strings.Cut(line, ") ")
	fields := strings.Fields(rest)
	if len(fields) <= stime {
		return 0, fmt.Errorf("%q has too few fields", line)
	}
	user, err := strconv.ParseInt(fields[utime], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[stime], 10, 64)
	if err != nil {
		return 0, err
	}
	return time.Duration(user+system) * tick, nil
}
