package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hashicorp/vault/api"
)

// Engine1 and Engine2 are the engines of secrets; this package speaks to the second one.
const (
	Engine1 = "KV version 1"
	Engine2 = "KV version 2"
)

// Limits are what Vault does with the versions of a secret by itself.
type Limits struct {
	// MaxVersions is how many it keeps; 0 where nothing is set.
	MaxVersions int
	// DeleteAfter is how long after it was written a version is deleted; 0 where nothing is set, negative: never.
	DeleteAfter time.Duration
}

// Mount is what holds all the secrets of a Client.
type Mount struct {
	Name string
	// Engine is Engine2 if it is as it should be; empty where Vault does not tell the client's token.
	Engine string
	// Limits are the mount's; zero where the client's token may not read them.
	Limits
}

// Mount returns what Vault tells of the mount. It is asked once for each Client.
func (c *Client) Mount(ctx context.Context) (Mount, error) {
	c.mounted.Lock()
	defer c.mounted.Unlock()
	if c.about.Name != "" {
		return c.about, nil
	}
	about := Mount{Name: c.mount}
	entry, err := c.told(ctx, "sys/internal/ui/mounts/"+c.mount)
	if err != nil {
		return Mount{}, err
	} else if entry != nil {
		about.Engine = engineOf(entry)
	}
	config, err := c.told(ctx, c.mount+"/config")
	if err != nil {
		return Mount{}, err
	} else if config != nil && (about.Engine == "" || about.Engine == Engine2) {
		about.Limits = limitsOf(config)
	}
	c.about = about
	return about, nil
}

// told reads what Vault may or may not tell the client's token; nil if it does not.
func (c *Client) told(ctx context.Context, path string) (map[string]any, error) {
	answer, err := c.api.Logical().ReadWithContext(ctx, path)
	if err = wrap(err); errors.Is(err, ErrDenied) || errors.Is(err, ErrNotFound) || err == nil && answer == nil {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading %q from Vault: %w", path, err)
	}
	return answer.Data, nil
}

// engineOf names the engine of a mount. One of KV that was made without a version is of version 1.
func engineOf(entry map[string]any) string {
	kind, _ := entry["type"].(string)
	options, _ := entry["options"].(map[string]any)
	switch version, _ := options["version"].(string); {
	case kind != "kv" && kind != "generic":
		return kind
	case version == "2":
		return Engine2
	}
	return Engine1
}

// limitsOf reads the settings of a mount; what cannot be read is not set.
func limitsOf(config map[string]any) Limits {
	number, _ := config["max_versions"].(json.Number)
	most, _ := strconv.Atoi(number.String())
	text, _ := config["delete_version_after"].(string)
	after, _ := time.ParseDuration(text)
	return Limits{most, after}
}

// Wrong says what is wrong with the mount if it is known not to be of KV version 2, and what mends that; else both are empty.
func (m Mount) Wrong() (problem, mend string) {
	switch m.Engine {
	case "", Engine2:
		return "", ""
	case Engine1:
		return fmt.Sprintf("the mount %q in Vault is %s", m.Name, m.Engine), "vault kv enable-versioning " + m.Name
	}
	return fmt.Sprintf("the mount %q in Vault is of type %q", m.Name, m.Engine), "name a mount of KV version 2 with vault-mount in ConfigMap config-tenancy"
}

// defaultMaxVersions is how many versions Vault keeps where nothing is set (hashicorp/vault-plugin-secrets-kv backend.go).
const defaultMaxVersions = 10

// Loses says which setting, of the mount or of the secret at path with the limits own, keeps fewer than two versions, or keeps a
// version for a shorter time than least, and the command that mends it. Both are empty if none does.
func (m Mount) Loses(path string, own Limits, least time.Duration) (problem, mend string) {
	if most := max(m.MaxVersions, own.MaxVersions); most == 1 {
		if m.MaxVersions == 1 {
			return m.blame("max_versions", "1"), fmt.Sprintf("vault write %s/config max_versions=%d", m.Name, defaultMaxVersions)
		}
		return blame(path, "max_versions", "1"), fmt.Sprintf("vault kv metadata put -mount=%s -max-versions=%d %s", m.Name, defaultMaxVersions, path)
	}
	if m.DeleteAfter < 0 {
		return "", ""
	}
	if after := m.DeleteAfter; after > 0 && after < least {
		return m.blame("delete_version_after", after.String()), fmt.Sprintf("vault write %s/config delete_version_after=0s", m.Name)
	}
	if after := own.DeleteAfter; after > 0 && after < least {
		return blame(path, "delete_version_after", after.String()), fmt.Sprintf("vault kv metadata put -mount=%s -delete-version-after=0s %s", m.Name, path)
	}
	return "", ""
}

func (m Mount) blame(setting, value string) string {
	return fmt.Sprintf("%s of the mount %q in Vault is %s", setting, m.Name, value)
}

func blame(path, setting, value string) string {
	return fmt.Sprintf("%s of the secret %q in Vault is %s", setting, path, value)
}

// limits are those of one secret.
func limits(m *api.KVMetadata) Limits { return Limits{m.MaxVersions, m.DeleteVersionAfter} }
