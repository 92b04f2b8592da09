package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
	// Limits are the mount's; zero where Hidden says that the client's token may not read them.
	Limits
	Hidden bool
	// Absent says that Vault has no such mount.
	Absent bool
}

// Mount returns what Vault tells of the mount. It is asked once for each Client.
func (c *Client) Mount(ctx context.Context) (Mount, error) {
	c.mounted.Lock()
	defer c.mounted.Unlock()
	if c.about.Name != "" {
		return c.about, nil
	}
	about := Mount{Name: c.mount}
	entry, _, err := c.told(ctx, "sys/internal/ui/mounts/"+c.mount)
	if err != nil {
		return Mount{}, err
	} else if entry != nil {
		about.Engine = engineOf(entry)
	}
	config, absent, err := c.told(ctx, c.mount+"/config")
	if err != nil {
		return Mount{}, err
	}
	if absent && entry == nil {
		// One path may have no handler for another reason.
		if _, about.Absent, err = c.told(ctx, c.mount+"/data/quay-push"); err != nil {
			return Mount{}, err
		}
	}
	if !about.Absent && (about.Engine == "" || about.Engine == Engine2) {
		about.Limits, about.Hidden = limitsOf(config), config == nil
	}
	c.about = about
	return about, nil
}

// noRoute is what Vault answers with 404 where nothing is mounted (hashicorp/vault vault/router.go).
const noRoute = "no handler for route"

// told reads what Vault may or may not tell the client's token; nil if it does not. absent reports that nothing is mounted there.
func (c *Client) told(ctx context.Context, path string) (data map[string]any, absent bool, err error) {
	raw, err := c.api.Logical().ReadRawWithContext(ctx, path)
	if err = wrap(err); errors.Is(err, ErrDenied) || errors.Is(err, ErrNotFound) {
		return nil, strings.Contains(err.Error(), noRoute), nil
	}
	answer, err := c.api.Logical().ParseRawResponseAndCloseBody(raw, err)
	if err != nil {
		return nil, false, fmt.Errorf("reading %q from Vault: %w", path, err)
	} else if answer == nil {
		return nil, false, nil
	}
	return answer.Data, false, nil
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

// Wrong says what is wrong with the mount if it is known not to be one of KV version 2, and what mends that; else both are empty.
func (m Mount) Wrong() (problem, mend string) {
	switch {
	case m.Absent:
		return fmt.Sprintf("there is no mount %q in Vault", m.Name), "name the mount of the credentials with vault-mount in ConfigMap config-tenancy, or make it: vault secrets enable -path=" + m.Name + " kv-v2"
	case m.Engine == "", m.Engine == Engine2:
		return "", ""
	case m.Engine == Engine1:
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

// Unseen says which setting of the mount, which counts for the secret at path with the limits own, the client's token may not read, and
// what mends that; both are empty if there is none. How long a version is kept stands in each version.
func (m Mount) Unseen(path string, own Limits) (problem, mend string) {
	if !m.Hidden || own.MaxVersions > 1 {
		return "", ""
	}
	return fmt.Sprintf("max_versions of the mount %q in Vault is not known, as the Vault token has no right to read it", m.Name),
		fmt.Sprintf("give the Vault token's policy read on %s/config, or set it for the secret: vault kv metadata put -mount=%s -max-versions=%d %s",
			m.Name, m.Name, defaultMaxVersions, path)
}

func (m Mount) blame(setting, value string) string {
	return fmt.Sprintf("%s of the mount %q in Vault is %s", setting, m.Name, value)
}

func blame(path, setting, value string) string {
	return fmt.Sprintf("%s of the secret %q in Vault is %s", setting, path, value)
}

// limits are those of one secret.
func limits(m *api.KVMetadata) Limits { return Limits{m.MaxVersions, m.DeleteVersionAfter} }
