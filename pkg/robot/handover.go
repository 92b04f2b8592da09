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
	return s.refresh(ctx, s.sites(t), s.whileInVault(t, c, func(ctx context.Context, x site) (bool, string, error) { return x.has(ctx, t, c) }))
}

// whileInVault has a look at a Secret fail once Vault has another credential than c, which then never comes.
func (s Services) whileInVault(t Tenant, c credential, has func(context.Context, site) (bool, string, error)) func(context.Context, site) (bool, string, error) {
	return func(ctx context.Context, x site) (bool, string, error) {
		ok, detail, err := has(ctx, x)
		if !ok && err == nil {
			err = s.inVault(ctx, t, c)
		}
		return ok, detail, err
	}
}

// refresh has External Secrets read Vault in those clusters, and waits until the Secret has what it is to have.
func (s Services) refresh(ctx context.Context, sites []site, has func(context.Context, site) (bool, string, error)) error {
	for _, x := range sites {
		if err := x.Refresh(ctx, x.namespace, x.secret); err != nil {
			return x.named(err)
		}
	}
	for _, x := range sites {
		if err := s.waitFor(ctx, x, has); err != nil {
			return err
		}
	}
	return nil
}

// looksPerRefresh is how often the Secret is looked at until External Secrets is asked again.
const looksPerRefresh = 5

// waitFor waits until the Secret there has what it is to have.
func (s Services) waitFor(ctx context.Context, x site, has func(context.Context, site) (bool, string, error)) error {
	next, looks := "", 0
	err := s.wait(ctx, fmt.Sprintf("Secret %s", x), func() (bool, string, error) {
		ok, detail, err := has(ctx, x)
		if ok || err != nil {
			return ok, detail, err
		}
		// Why it does not come is with the ExternalSecret; that this cannot be read changes nothing.
		if e, err := x.readExternalSecret(ctx); err == nil {
			if next = ""; !e.Ready {
				detail, next = detail+"; the ExternalSecret is not ready: "+e.why(), e.next()
			}
		}
		// After a failure it waits longer and longer by itself, up to seven minutes; asked, it looks at once.
		if looks++; looks%looksPerRefresh == 0 {
			err = x.Refresh(ctx, x.namespace, x.secret)
		}
		return false, detail, x.named(err)
	})
	if e := (*Error)(nil); next != "" && errors.As(err, &e) && e.Reason == ReasonTimeout {
		e.Next = next + "; then run it again"
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
