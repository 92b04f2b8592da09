package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
)

// maxRSS is what the step may need, in bytes: half of the Task's limit.
const maxRSS = 128 << 20

// measure runs a program and prints its largest resident set, in bytes, as the last line. It is a process of its own, since
// Linux counts the memory of a parent as its child's until that has its own.
func measure() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Println(err)
		os.Exit(3)
	}
	fmt.Println(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10)
	os.Exit(cmd.ProcessState.ExitCode())
}

// updateMeasured runs the program that is built, and returns what it said and its largest resident set.
func updateMeasured(t *testing.T, program string, server *gitopstest.Server) (said string, rss int64, err error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	secret := t.TempDir()
	for name, content := range map[string]string{"username": gitopstest.Username, "password": gitopstest.Password} {
		if err := os.WriteFile(filepath.Join(secret, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(self)
	cmd.Args = []string{"measure", program, "--repository=" + server.URL(), "--plain-http", "--team=payments", "--app=checkout",
		"--image=" + gitopstest.Image("checkout"), "--digest=" + gitopstest.Digest("a"), "--credential=" + secret}
	scratch := t.TempDir()
	cmd.Env = append(os.Environ(), "TMPDIR="+scratch)
	out, err := cmd.CombinedOutput()
	if left, _ := os.ReadDir(scratch); len(left) > 0 {
		t.Errorf("the scratch space has %v left", left)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	rss, parseErr := strconv.ParseInt(lines[len(lines)-1], 10, 64)
	if parseErr != nil {
		t.Fatalf("measuring: %v\n%s", err, out)
	}
	return string(out), rss, err
}

// build builds the program.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "update-overlay")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return program
}

// files writes a commit with n files in the directories of another team.
func files(n int, dir func(i int) string) func(io.Writer) {
	return func(w io.Writer) {
		gitopstest.StartCommit(w)
		for i := range n {
			gitopstest.WriteFile(w, fmt.Sprintf("%s/%d", dir(i), i), 8, strings.NewReader(fmt.Sprintf("%08d", i)))
		}
	}
}

// noise writes a commit with n files that do not compress.
func noise(n int, size int64) func(io.Writer) {
	return func(w io.Writer) {
		gitopstest.StartCommit(w)
		for i := range n {
			gitopstest.WriteFile(w, fmt.Sprintf("apps/attacker/x/%d", i), size, gitopstest.Noise(byte(i)))
		}
	}
}

// branches adds n branches to a repository.
func branches(n int) func(*testing.T, *gitopstest.Server) {
	return func(t *testing.T, server *gitopstest.Server) {
		head, refs := server.Head("main"), &strings.Builder{}
		for i := range n {
			fmt.Fprintf(refs, "%s refs/heads/attacker/%06d\n", head, i)
		}
		if err := os.WriteFile(filepath.Join(server.Dir, "packed-refs"), []byte(refs.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever another team puts into the repository, the step stays within its memory: it takes no notice, or says what is too
// large.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("repositories of hundreds of megabytes are made")
	}
	program := build(t)
	for name, test := range map[string]struct {
		refusal     string
		compression string // Git's; large files that do not compress need none, and time
		write       func(w io.Writer)
		prepare     func(*testing.T, *gitopstest.Server)
	}{
		"nothing":                             {},
		"80 MiB that do not compress":         {compression: "0", write: noise(4, 20<<20)},
		"50 MiB in files that are read whole": {compression: "0", write: noise(60, 800<<10)},
		"a bomb of 300 MiB": {compression: "1", write: func(w io.Writer) {
			gitopstest.StartCommit(w)
			gitopstest.WriteFile(w, "apps/attacker/x/bomb", 300<<20, gitopstest.Zeros{})
		}},
		"many files":     {write: files(30_000, func(i int) string { return fmt.Sprintf("apps/attacker/%d", i%300) })},
		"one directory":  {write: files(8_000, func(int) string { return "apps/attacker/x" })},
		"too many files": {refusal: "(too-large)", write: files(250_100, func(i int) string { return fmt.Sprintf("apps/attacker/%d", i%300) })},
		"a deep tree": {write: func(w io.Writer) {
			gitopstest.StartCommit(w)
			gitopstest.WriteFile(w, "apps/attacker/"+strings.Repeat("d/", 1000)+"file", 1, gitopstest.Zeros{})
		}},
		"deltas of large files": {write: func(w io.Writer) {
			base, _ := io.ReadAll(io.LimitReader(gitopstest.Noise(1), 1000<<10))
			gitopstest.StartCommit(w)
			for i := range 30 {
				base[i<<10]++
				gitopstest.WriteFile(w, fmt.Sprintf("apps/attacker/x/%d", i), int64(len(base)), bytes.NewReader(base))
			}
		}},
		"a long history": {write: func(w io.Writer) {
			for i := range 500 {
				gitopstest.StartCommit(w)
				gitopstest.WriteFile(w, "apps/attacker/x/file", 10<<10, gitopstest.Noise(byte(i)))
			}
		}},
		"200,000 branches": {prepare: branches(200_000)},
		"300,000 branches": {refusal: "(too-large)", prepare: branches(300_000)},
		"links and submodules": {write: func(w io.Writer) {
			gitopstest.StartCommit(w)
			fmt.Fprintf(w, "M 160000 %040d apps/attacker/module\n", 1)
			fmt.Fprint(w, "M 120000 inline apps/attacker/link\ndata 9\n/dev/zero\n")
			gitopstest.WriteFile(w, ".gitmodules", 60, strings.NewReader("[submodule \"m\"]\npath = apps/attacker/module\nurl = file:///dev/zero\n"))
		}},
		"a kustomization of one long list": {refusal: "(too-large)", write: func(w io.Writer) {
			gitopstest.StartCommit(w)
			content := "resources: [" + strings.Repeat("a,", 500_000) + "]\n"
			gitopstest.WriteFile(w, "apps/payments/checkout/overlays/dev/kustomization.yaml", int64(len(content)), strings.NewReader(content))
		}},
		"a kustomization of 50 MiB": {refusal: "(too-large)", compression: "1", write: func(w io.Writer) {
			gitopstest.StartCommit(w)
			gitopstest.WriteFile(w, "apps/payments/checkout/overlays/dev/kustomization.yaml", 50<<20, gitopstest.Zeros{})
		}},
		"a base of one long list": {refusal: "(too-large)", write: func(w io.Writer) {
			gitopstest.StartCommit(w)
			content := "x: [" + strings.Repeat("a,", 500_000) + "]\n"
			gitopstest.WriteFile(w, "apps/payments/checkout/base/deployment.yaml", int64(len(content)), strings.NewReader(content))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			server := gitopstest.Start(t, gitopstest.App("checkout"))
			if test.compression != "" {
				gitopstest.Git(t, server.Dir, "config", "core.compression", test.compression)
			}
			if test.write != nil {
				server.Import(test.write)
			}
			if test.prepare != nil {
				test.prepare(t, server)
			}
			checkMemory(t, program, server, test.refusal)
		})
	}
}

// checkMemory runs the program, which must succeed, or refuse with what refusal says, within its memory.
func checkMemory(t *testing.T, program string, server *gitopstest.Server, refusal string) {
	t.Helper()
	said, rss, err := updateMeasured(t, program, server)
	t.Logf("%.2f of the bound", float64(rss)/maxRSS)
	if rss > maxRSS {
		t.Errorf("it takes %.2f of the bound", float64(rss)/maxRSS)
	}
	if refused := err != nil; refused != (refusal != "") || !strings.Contains(said, refusal) {
		t.Errorf("it says %v\n%.2000s\nwant the refusal %q", err, said, refusal)
	}
}
