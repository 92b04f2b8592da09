package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// CheckOut leaves in dir what the repository at root had at commit. The error is errors.ErrUnsupported where root is no repository, and says
// what to do where its history does not reach that far back.
func CheckOut(ctx context.Context, root, commit, dir string) error {
	if _, err := os.Stat(filepath.Join(root, ".git")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("checking out %q: %q is no Git repository: %w", commit, root, errors.ErrUnsupported)
	}
	if run(exec.CommandContext(ctx, "git", "-C", root, "cat-file", "-e", commit+"^{commit}")) != nil {
		return fmt.Errorf("checking out %q: the history of this clone does not have it; run git fetch --unshallow", commit)
	}
	archive := filepath.Join(dir, "version.tar")
	if err := run(exec.CommandContext(ctx, "git", "-C", root, "archive", "--output="+archive, commit)); err != nil {
		return err
	}
	if err := run(exec.CommandContext(ctx, "tar", "--extract", "--file="+archive, "--directory="+dir)); err != nil {
		return err
	}
	return os.Remove(archive)
}
