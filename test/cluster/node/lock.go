package node

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// turn waits until no other up or down is at work on the directory, which it creates, and keeps them out until the
// returned file is closed.
func turn(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return flock(dir, os.O_RDONLY, syscall.LOCK_EX)
}

// lock takes the lock file at path, for as long as the process lives or until the file is closed. It returns errLocked if
// another process has it.
func lock(path string) (*os.File, error) {
	return flock(path, os.O_CREATE|os.O_RDWR, syscall.LOCK_EX|syscall.LOCK_NB)
}

func flock(path string, open, how int) (*os.File, error) {
	file, err := os.OpenFile(path, open, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), how); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("locking %q: %w", path, err)
	}
	return file, nil
}

var errLocked = errors.New("another process has the lock")
