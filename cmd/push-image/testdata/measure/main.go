// Measure runs the program that its arguments name, and prints its exit code and the most memory that it had, in bytes. It is small itself: a
// process counts as its own what its parent had when it started it.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	command := exec.Command(os.Args[1], os.Args[2:]...)
	command.Stderr = os.Stderr
	_ = command.Run() // The exit code tells.
	usage, _ := command.ProcessState.SysUsage().(*syscall.Rusage)
	fmt.Println(command.ProcessState.ExitCode(), usage.Maxrss<<10)
}
