package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// Data is the content of a secret.
type Data map[string]secret.Value

// Keys are the keys in order.
func (d Data) Keys() []string { return slices.Sorted(maps.Keys(d)) }

// Secret is one version of a secret.
type Secret struct {
	Data Data
	// Version counts from 1.
	Version int
	// Created is when it was written, Ends when Vault deletes it by itself; zero: never.
	Created, Ends time.Time
}

// Read returns the current version of the secret at path, without the mount. The error wraps ErrNotFound if there is none,
// or if it is deleted.
func (c *Client) Read(ctx context.Context, path string) (Secret, error) {
	return c.read(path, func(kv *api.KVv2) (*api.KVSecret, error) { return kv.Get(ctx, path) })
}

// ReadVersion returns one version of the secret at path.
func (c *Client) ReadVersion(ctx context.Context, path string, version int) (Secret, error) {
	return c.read(path, func(kv *api.KVv2) (*api.KVSecret, error) { return kv.GetVersion(ctx, path, version) })
}

func (c *Client) read(path string, get func(*api.KVv2) (*api.KVSecret, error)) (Secret, error) {
	if err := CheckPath(path); err != nil {
		return Secret{}, err
	}
	found, err := get(c.api.KVv2(c.mount))
	switch {
	case err != nil:
		return Secret{}, fmt.Errorf("reading %q from Vault: %w", c.mount+"/"+path, wrap(err))
	case found.Data == nil:
		return Secret{}, fmt.Errorf("reading %q from Vault: %w", c.mount+"/"+path, &failure{ErrNotFound, "the version is deleted"})
	}
	version := Secret{Data: Data{}, Version: found.VersionMetadata.Version, Created: found.VersionMetadata.CreatedTime,
		Ends: found.VersionMetadata.DeletionTime}
	for key, value := range found.Data {
		text, ok := value.(string)
		if !ok {
			return Secret{}, fmt.Errorf("reading %q from Vault: the value of %q is %w", c.mount+"/"+path, key, ErrContent)
		}
		version.Data[key] = secret.New(text)
	}
	return version, nil
}

// Write writes data as the next version of the secret at path and returns that version. current is the version that the
// caller has read, 0 for none that ever was: if there is another by now, the error wraps ErrConflict. On a mount that is not of
// KV version 2 it makes a secret of another name: ask Mount first.
func (c *Client) Write(ctx context.Context, path string, data Data, current int) (version int, err error) {
	if err := CheckPath(path); err != nil {
		return 0, err
	}
	values := map[string]any{}
	for key, value := range data {
		values[key] = value.Reveal()
	}
	written, err := c.api.KVv2(c.mount).Put(ctx, path, values, api.WithCheckAndSet(current))
	if err != nil {
		return 0, fmt.Errorf("writing %q to Vault: %w", c.mount+"/"+path, wrap(err))
	}
	return written.VersionMetadata.Version, nil
}

// Metadata is what Vault knows of a secret without its content.
type Metadata struct {
	// Current is the version that Read returns; 0 if there is none.
	Current int
	// Live are the versions that can be read, the current one included, in order.
	Live []int
	// Written is when the current version was written; zero if there is none.
	Written time.Time
	// Limits are the secret's own; the mount's count beside them.
	Limits
}

// Metadata returns what Vault knows of the secret at path; the zero value if it never was.
func (c *Client) Metadata(ctx context.Context, path string) (Metadata, error) {
	if err := CheckPath(path); err != nil {
		return Metadata{}, err
	}
	found, err := c.api.KVv2(c.mount).GetMetadata(ctx, path)
	if err = wrap(err); errors.Is(err, ErrNotFound) {
		return Metadata{}, nil
	} else if err != nil {
		return Metadata{}, fmt.Errorf("reading metadata of %q from Vault: %w", c.mount+"/"+path, err)
	}
	metadata := Metadata{Current: found.CurrentVersion, Limits: limits(found)}
	for _, v := range found.Versions {
		if v.Version == found.CurrentVersion {
			metadata.Written = v.CreatedTime
		}
		// One that is to be deleted some day has its time already.
		if !v.Destroyed && (v.DeletionTime.IsZero() || v.DeletionTime.After(time.Now())) {
			metadata.Live = append(metadata.Live, v.Version)
		}
	}
	slices.Sort(metadata.Live)
	return metadata, nil
}

// Destroy removes versions of the secret at path for good.
func (c *Client) Destroy(ctx context.Context, path string, versions []int) error {
	if err := CheckPath(path); err != nil || len(versions) == 0 {
		return err
	}
	if err := c.api.KVv2(c.mount).Destroy(ctx, path, versions); err != nil {
		return fmt.Errorf("destroying versions %v of %q in Vault: %w", versions, c.mount+"/"+path, wrap(err))
	}
	return nil
}

// Delete removes the secret at path with all its versions and what Vault knows of it. That there is none is no error.
func (c *Client) Delete(ctx context.Context, path string) error {
	if err := CheckPath(path); err != nil {
		return err
	}
	if err := c.api.KVv2(c.mount).DeleteMetadata(ctx, path); err != nil {
		return fmt.Errorf("deleting %q in Vault: %w", c.mount+"/"+path, wrap(err))
	}
	return nil
}
