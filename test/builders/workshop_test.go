//go:build builders

package builders_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// workshop is where the builders work: a registry with a base image, a storage for buildah and podman, and the daemons of
// BuildKit and Docker.
type workshop struct {
	quay         *quaytest.Quay
	dockerconfig string
	pushImage    string
	// n is how many images were pushed.
	n int
}

const containerfile = `FROM scratch
COPY hello /bin/hello
COPY page /srv/page
ENTRYPOINT ["/bin/hello"]
`

// newWorkshop sets the environment of everything that runs: the builders' own files stay in directories of the test.
func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	q := quaytest.Start(t)
	q.AddOrganization("team-payments")
	w := &workshop{quay: q, pushImage: filepath.Join(t.TempDir(), "push-image")}
	q.AddRobot("team-payments", "ci")
	q.SetCreator("team-payments", "team-payments+ci")
	home := t.TempDir()
	w.dockerconfig = filepath.Join(home, "config.json")
	storage := filepath.Join(home, "storage.conf")
	write(t, w.dockerconfig, q.Dockerconfig("team-payments+ci"))
	write(t, storage, []byte("[storage]\ndriver = \"vfs\"\ngraphroot = \""+home+"/root\"\nrunroot = \""+home+"/run\"\n"))
	for name, value := range map[string]string{
		"DOCKER_CONFIG": home, "REGISTRY_AUTH_FILE": w.dockerconfig, "SSL_CERT_FILE": q.CAFile(),
		"CONTAINERS_STORAGE_CONF": storage, "BUILDAH_ISOLATION": "chroot",
		"BUILDKIT_HOST": "unix://" + home + "/buildkit.sock", "DOCKER_HOST": "unix://" + home + "/docker.sock",
	} {
		t.Setenv(name, value)
	}
	build := exec.Command("go", "build", "-o", w.pushImage, "../../cmd/push-image")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building push-image: %v\n%s", err, output)
	}
	// Both unpack into plain directories, and have no network.
	start(t, home, []string{"buildkitd", "--addr", os.Getenv("BUILDKIT_HOST"), "--root", home + "/buildkit", "--oci-worker-snapshotter", "native",
		"--oci-worker-net", "host", "--containerd-worker=false"}, []string{"buildctl", "debug", "workers"})
	start(t, home, []string{"dockerd", "--host", os.Getenv("DOCKER_HOST"), "--data-root", home + "/docker", "--exec-root", home + "/docker-run",
		"--pidfile", home + "/docker.pid", "--storage-driver", "vfs", "--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"},
		[]string{"docker", "version"})
	w.pushBase(t)
	return w
}

// start starts a daemon that keeps its files below the directory home, and waits until it answers the command ask. One that is not there
// is missed by the recipes that need it.
func start(t *testing.T, home string, daemon, ask []string) {
	t.Helper()
	if _, err := exec.LookPath(daemon[0]); err != nil {
		return
	}
	log, err := os.Create(filepath.Join(home, daemon[0]+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(daemon[0], daemon[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", daemon[0], err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		<-ended
		log.Close()
	})
	deadline := time.After(2 * time.Minute)
	for exec.Command(ask[0], ask[1:]...).Run() != nil {
		select {
		case <-ended:
		case <-deadline:
		case <-time.After(100 * time.Millisecond):
			continue
		}
		said, _ := os.ReadFile(log.Name())
		t.Fatalf("%s does not answer:\n%s", daemon[0], said)
	}
}

// pushBase pushes the image that recipes begin with or copy.
func (w *workshop) pushBase(t *testing.T) {
	t.Helper()
	dir := w.context(t)
	w.run(t, dir, "sh", "-ec", "buildah build --timestamp 0 --tag base . && buildah push base oci:image")
	w.run(t, dir, w.pushImage, "--source", "oci:image", "--image-ref", "quay.example.com/team-payments/base", "--tag", "v1",
		"--dockerconfig", w.dockerconfig, "--ca-file", w.quay.CAFile())
}

// context makes a new directory with what a build begins with: a Containerfile, and a Go module for ko.
func (w *workshop) context(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "cmd", "app"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"Containerfile": containerfile, "Dockerfile": containerfile, "hello": "no program, nobody runs it\n", "page": "checkout\n",
		"go.mod": "module example.com/checkout\n\ngo 1.26\n", "cmd/app/main.go": "package main\n\nfunc main() { println(\"checkout\") }\n",
		".ko.yaml": "defaultBaseImage: " + w.quay.Host() + "/team-payments/base:v1\n",
	} {
		write(t, filepath.Join(dir, name), []byte(content))
	}
	return dir
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
