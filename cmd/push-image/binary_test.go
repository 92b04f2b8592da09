package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// What the step may cost, in bytes.
const (
	mostBinary = 15 << 20
	mostMemory = 40 << 20
	// Each CPU has blocks of its own to compress, up to 16 in all.
	mostMemoryCompressing = 64 << 20
)

// The program is one static file, and its memory does not grow with the image.
func TestBinary(t *testing.T) {
	binary := buildBinary(t)
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the binary has %.1f MiB", float64(info.Size())/(1<<20))
	if info.Size() > mostBinary {
		t.Errorf("that is more than %d MiB", mostBinary>>20)
	}
	if testing.Short() {
		t.Skip("pushing 512 MiB takes its time")
	}

	q := quaytest.Start(t)
	q.AddOrganization("team-a")
	q.AddRepository("team-a", "app")
	q.AddRobot("team-a", "ci")
	q.Grant("team-a/app", "team-a+ci", quaytest.Write)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), q.Dockerconfig("team-a+ci"), 0o600); err != nil {
		t.Fatal(err)
	}
	writeSparse(t, filepath.Join(dir, "image"), 8, 64<<20)
	writeDockerArchive(t, filepath.Join(dir, "image.tar"), 4, 128<<20)
	for source, limit := range map[string]int{"image": mostMemory, "image.tar": mostMemoryCompressing} {
		push := exec.Command(binary, "--source", filepath.Join(dir, source), "--image-ref", q.Host()+"/team-a/app", "--dockerconfig", dir, "--ca-file", q.CAFile())
		var stderr bytes.Buffer
		push.Stderr = &stderr
		if err := push.Start(); err != nil {
			t.Fatal(err)
		}
		peak := watchMemory(push.Process.Pid)
		if err := push.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, &stderr)
		}
		most := <-peak
		t.Logf("%s with 512 MiB needed %.1f MiB", source, float64(most)/(1<<20))
		if most == 0 || most > limit {
			t.Errorf("that is not between 0 and %d MiB", limit>>20)
		}
	}
}

var highWater = regexp.MustCompile(`VmHWM:\s+([0-9]+) kB`)

// watchMemory follows the high-water mark of a process until its end. The rusage of a child will not do: it starts with
// what this process had when it started the child.
func watchMemory(pid int) <-chan int {
	peak := make(chan int, 1)
	go func() {
		most := 0
		for {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			match := highWater.FindSubmatch(status)
			if err != nil || match == nil {
				peak <- most
				return
			}
			if kib, _ := strconv.Atoi(string(match[1])); kib<<10 > most {
				most = kib << 10
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return peak
}

// writeSparse makes a layout whose layers are all zero but for their first byte, and take no place on disk.
func writeSparse(t *testing.T, dir string, layers int, size int64) {
	t.Helper()
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		t.Fatal(err)
	}
	type descriptor struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
		Size      int64  `json:"size"`
	}
	add := func(mediaType, content string, size int64) descriptor {
		hash := sha256.New()
		if _, err := io.Copy(hash, io.MultiReader(strings.NewReader(content), io.LimitReader(zeros{}, size-int64(len(content))))); err != nil {
			t.Fatal(err)
		}
		name := hex.EncodeToString(hash.Sum(nil))
		file := filepath.Join(blobs, name)
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(file, size); err != nil {
			t.Fatal(err)
		}
		return descriptor{mediaType, "sha256:" + name, size}
	}
	addJSON := func(mediaType string, v any) descriptor {
		content, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return add(mediaType, string(content), int64(len(content)))
	}
	const oci = "application/vnd.oci.image."
	var all []descriptor
	for i := range layers {
		all = append(all, add(oci+"layer.v1.tar+gzip", string(rune('a'+i)), size))
	}
	image := addJSON(oci+"manifest.v1+json", map[string]any{"schemaVersion": 2,
		"config": addJSON(oci+"config.v1+json", map[string]string{"os": "linux", "architecture": "amd64"}), "layers": all})
	for name, v := range map[string]any{
		"oci-layout": map[string]string{"imageLayoutVersion": "1.0.0"},
		"index.json": map[string]any{"schemaVersion": 2, "manifests": []descriptor{image}},
	} {
		content, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// writeDockerArchive makes one of uncompressed layers, each of the same line again and again.
func writeDockerArchive(t *testing.T, path string, layers, size int) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := tar.NewWriter(file)
	add := func(name string, size int, content io.Reader) {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(size)}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, content); err != nil {
			t.Fatal(err)
		}
	}
	var names, diffIDs []string
	for i := range layers {
		name, hash := fmt.Sprintf("%d.tar", i), sha256.New()
		line := []byte(fmt.Sprintf("layer %d: %s\n", i, strings.Repeat("what a program has ", 50)))
		whole := bytes.Repeat(line, size/len(line))
		hash.Write(whole)
		add(name, len(whole), bytes.NewReader(whole))
		names, diffIDs = append(names, name), append(diffIDs, "sha256:"+hex.EncodeToString(hash.Sum(nil)))
	}
	for name, v := range map[string]any{
		"config.json":   map[string]any{"os": "linux", "rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs}},
		"manifest.json": []map[string]any{{"Config": "config.json", "Layers": names}},
	} {
		content, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		add(name, len(content), bytes.NewReader(content))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// zeros reads as zero for ever.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
