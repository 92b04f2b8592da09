package main

import (
	"context"
	"fmt"

	"github.com/hashicorp/go-hclog"
	auth "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

// newCore returns an unsealed Vault in memory and its root token.
func newCore(ctx context.Context, log hclog.Logger) (*vault.Core, string, error) {
	storage, err := inmem.NewInmem(nil, log)
	if err != nil {
		return nil, "", fmt.Errorf("making storage: %w", err)
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		Logger:             log,
		DisableMlock:       true,
		LogicalBackends:    map[string]logical.Factory{"kv": kv.Factory, "transit": transit.Factory},
		CredentialBackends: map[string]logical.Factory{"kubernetes": auth.Factory},
		BuiltinRegistry:    registry{},
	})
	if err != nil {
		return nil, "", fmt.Errorf("making core: %w", err)
	}
	seal := &vault.SealConfig{SecretShares: 1, SecretThreshold: 1}
	result, err := core.Initialize(ctx, &vault.InitParams{BarrierConfig: seal, RecoveryConfig: &vault.SealConfig{}})
	if err != nil {
		return nil, "", fmt.Errorf("initializing: %w", err)
	}
	if open, err := core.Unseal(result.SecretShares[0]); err != nil || !open {
		return nil, "", fmt.Errorf("unsealing: open %t, %w", open, err)
	}
	return core, result.RootToken, nil
}

// registry is the list of plugins that are built in; Vault asks it when one is mounted.
type registry struct{}

// builtin are the plugins of this program.
var builtin = map[consts.PluginType]map[string]logical.Factory{
	consts.PluginTypeSecrets:    {"kv": kv.Factory, "transit": transit.Factory},
	consts.PluginTypeCredential: {"kubernetes": auth.Factory},
}

func (registry) Contains(name string, kind consts.PluginType) bool { return builtin[kind][name] != nil }

func (registry) Get(name string, kind consts.PluginType) (func() (any, error), bool) {
	factory := builtin[kind][name]
	return func() (any, error) { return factory, nil }, factory != nil
}

func (registry) Keys(kind consts.PluginType) []string {
	names := []string{}
	for name := range builtin[kind] {
		names = append(names, name)
	}
	return names
}

func (registry) DeprecationStatus(string, consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, true
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
