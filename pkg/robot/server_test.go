//go:build vault

package robot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
	"github.com/comptech-lab/quay-push/pkg/vault/vaulttest"
)

// realVault is the real server, each call counted. The world's own Vault follows it, for what the tests look at.
type realVault struct {
	*vault.Client
	w *world
}

func (v realVault) Read(ctx context.Context, path string) (vault.Secret, error) {
	return call(v.w, func() (vault.Secret, error) { return v.Client.Read(ctx, path) })
}

func (v realVault) ReadVersion(ctx context.Context, path string, version int) (vault.Secret, error) {
	return call(v.w, func() (vault.Secret, error) { return v.Client.ReadVersion(ctx, path, version) })
}

func (v realVault) Write(ctx context.Context, path string, data vault.Data, current int) (int, error) {
	return call(v.w, func() (int, error) {
		version, err := v.Client.Write(ctx, path, data, current)
		if err == nil {
			v.w.put(path, data)
		}
		return version, err
	})
}

func (v realVault) Metadata(ctx context.Context, path string) (vault.Metadata, error) {
	return call(v.w, func() (vault.Metadata, error) { return v.Client.Metadata(ctx, path) })
}

func (v realVault) Destroy(ctx context.Context, path string, versions []int) error {
	_, err := call(v.w, func() (any, error) {
		err := v.Client.Destroy(ctx, path, versions)
		for _, n := range versions {
			if n <= len(v.w.versions[path]) {
				v.w.versions[path][n-1] = nil
			}
		}
		return nil, err
	})
	return err
}

func (v realVault) Delete(ctx context.Context, path string) error {
	_, err := call(v.w, func() (any, error) {
		delete(v.w.versions, path)
		return nil, v.Client.Delete(ctx, path)
	})
	return err
}

// Bootstrap, Rotate and Offboard on the real server: in the rotation the program dies after each of its calls, is run again, and Vault holds one
// version with the token that Quay has.
func TestOnTheRealVault(t *testing.T) {
	server := vaulttest.Start(t)
	client, err := vault.New(vault.Options{Address: server.Address, Token: secret.New(server.Token), Mount: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	points := 0
	for crashAt := 1; ; crashAt++ {
		w := newWorld(t)
		// Each world has a path of its own.
		w.VaultPath = fmt.Sprintf("apps/payments/checkout-%d/ci/quay-robot", crashAt)
		w.external[w.Secret] = robot.ExternalSecret{Ready: true, Path: w.VaultPath}
		connect := func() robot.Services {
			s := w.services()
			s.Vault = realVault{client, w}
			return s
		}
		if _, err := robot.Bootstrap(t.Context(), connect(), w.Tenant, robot.BootstrapOptions{}); err != nil {
			t.Fatal(err)
		}
		w.sync(w.Secret)
		w.calls, w.crashAt = 0, crashAt
		_, err := robot.Rotate(t.Context(), connect(), w.Tenant, robot.RotateOptions{})
		if err == nil {
			w.rotated("without a crash")
			w.crashAt = 0
			if _, err := robot.Offboard(t.Context(), connect(), w.Tenant); err != nil {
				t.Error(err)
			}
			w.offboarded("on the real Vault")
			if metadata, err := client.Metadata(t.Context(), w.VaultPath); metadata.Current != 0 || err != nil {
				t.Errorf("Vault has %v, %v", metadata, err)
			}
			break
		}
		if points++; !errors.Is(err, errCrash) {
			t.Fatalf("crash after call %d: %v", crashAt, err)
		}
		w.pushes(fmt.Sprint("after a crash at call ", crashAt))
		w.crashAt, w.dead = 0, false
		// The credential is young: what had reached Vault is finished, and nothing is begun.
		if _, err := robot.Rotate(t.Context(), connect(), w.Tenant, robot.RotateOptions{MaxAge: time.Hour}); err != nil {
			t.Errorf("run again after call %d: %v", crashAt, err)
		}
		stored, err := client.Read(t.Context(), w.VaultPath)
		metadata, err2 := client.Metadata(t.Context(), w.VaultPath)
		username, _ := w.secretCredential()
		if err != nil || err2 != nil || stored.Data["token"].Reveal() != w.quay.RobotToken(username) || stored.Data["username"].Reveal() != username || !w.works() ||
			!slices.Equal(metadata.Live, []int{metadata.Current}) {
			t.Errorf("run again after call %d: Vault has %v, %v, %v, %v", crashAt, stored, metadata, err, err2)
		}
		w.pushes(fmt.Sprint("run again after call ", crashAt))
	}
	t.Logf("%d points", points)
	if points < 35 {
		t.Errorf("only %d points", points)
	}
}

// Adopt on the real server: from a path as people write it to the team's own, over a version that somebody deleted, dying after each of its
// calls and run again; what was at the old path stays as it was.
func TestAdoptOnTheRealVault(t *testing.T) {
	server := vaulttest.Start(t)
	client, err := vault.New(vault.Options{Address: server.Address, Token: secret.New(server.Token), Mount: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	kv := server.Admin(t).KVv2("secret")
	everyCrash(t, 20, func(crashAt int) *world {
		w := newWorld(t)
		w.VaultPath = fmt.Sprintf("apps/payments/adopted-%d/ci/quay-robot", crashAt)
		token := w.byHand(jenkins)
		path := w.VaultPath + "-by-hand"
		for path, data := range map[string]map[string]any{path: {"username": jenkins, "password": token}, w.VaultPath: {"username": jenkins, "token": "older"}} {
			if _, err := kv.Put(t.Context(), path, data); err != nil {
				t.Fatal(err)
			}
		}
		if err := kv.Delete(t.Context(), w.VaultPath); err != nil {
			t.Fatal(err)
		}
		w.put(w.VaultPath, nil) // As the world's own Vault has it.
		w.calls = 0
		return w
	}, func(w *world) error {
		s := w.services()
		s.Vault = realVault{client, w}
		_, err := robot.Adopt(t.Context(), s, w.Tenant, robot.AdoptOptions{VaultPath: w.VaultPath + "-by-hand", Robot: jenkins})
		return err
	}, func(w *world, when string) {
		stored, err := client.Read(t.Context(), w.VaultPath)
		kept, err2 := client.Read(t.Context(), w.VaultPath+"-by-hand")
		token := w.quay.RobotToken(jenkins)
		if err != nil || err2 != nil || stored.Version != 2 || stored.Data["username"].Reveal() != jenkins || stored.Data["token"].Reveal() != token ||
			kept.Version != 1 || kept.Data["password"].Reveal() != token {
			t.Errorf("%s: Vault has version %d and %d, %v, %v", when, stored.Version, kept.Version, err, err2)
		}
	})
}
