package robot

import (
	"context"
	"errors"
	"fmt"
)

// secretTask has the Secret carry the credential c, by asking External Secrets for it and waiting.
func (r *rotation) secretTask(id, title string, c func() credential) task {
	return task{id: id, title: title, reason: ReasonDrift, next: "see the conditions of the ExternalSecret",
		check: func(ctx context.Context) (bool, string, error) { return r.inSecret(ctx, r.Tenant, c()) },
		do:    func(ctx context.Context) error { return r.handOver(ctx, r.Tenant, c()) }}
}

// handOver asks External Secrets to read Vault and waits until the Secret carries c, in every cluster.
func (s Services) handOver(ctx context.Context, t Tenant, c credential) error {
	if err := s.checkRefresh(ctx, t); err != nil {
		return err
	}
	sites := s.sites(t)
	for _, x := range sites {
		if err := x.Refresh(ctx, x.namespace, x.secret); err != nil {
			return x.named(err)
		}
	}
	for _, x := range sites {
		if err := s.waitFor(ctx, x, t, c); err != nil {
			return err
		}
	}
	return nil
}

// waitFor waits until the Secret there carries c.
func (s Services) waitFor(ctx context.Context, x site, t Tenant, c credential) error {
	ready := true
	err := s.wait(ctx, fmt.Sprintf("Secret %s", x), func() (bool, string, error) {
		ok, detail, err := x.has(ctx, t, c)
		if ok || err != nil {
			return ok, detail, err
		}
		if err := s.inVault(ctx, t, c); err != nil {
			return false, detail, err // It never comes.
		}
		// Why it does not come is in the condition of the ExternalSecret; that this cannot be read changes nothing.
		if e, err := x.readExternalSecret(ctx); err == nil {
			if ready = e.Ready; !ready {
				detail += fmt.Sprintf("; the ExternalSecret is not ready: %s %q", e.Reason, e.Message)
			}
		}
		return false, detail, nil
	})
	if e := (*Error)(nil); !ready && errors.As(err, &e) {
		e.Next = "see the events of the ExternalSecret and mend what they name; then run it again"
	}
	return err
}

// destroyTask destroys the older versions in Vault, which hold tokens that were good once.
func (r *rotation) destroyTask() task {
	old := func(ctx context.Context) ([]int, error) {
		metadata, err := r.Vault.Metadata(ctx, r.VaultPath)
		versions := []int{}
		for _, version := range metadata.Live {
			if version != metadata.Current {
				versions = append(versions, version)
			}
		}
		return versions, err
	}
	return task{id: "destroy", title: "destroy the older versions in Vault", reason: ReasonConflict, next: "run it again",
		check: func(ctx context.Context) (bool, string, error) {
			versions, err := old(ctx)
			if err != nil || len(versions) > 0 {
				return false, fmt.Sprintf("versions %v can still be read", versions), err
			}
			return true, "there is none", nil
		},
		do: func(ctx context.Context) error {
			versions, err := old(ctx)
			if err != nil {
				return err
			}
			return r.Vault.Destroy(ctx, r.VaultPath, versions)
		}}
}
