package config

import (
	"context"

	"knative.dev/pkg/configmap"
	"knative.dev/pkg/logging"
)

// Watch returns what tells the config as it is now. A change that FromConfigMap refuses is logged, and the last good one
// stays; the program does not start with a ConfigMap that is wrong, nor without one.
func Watch(ctx context.Context, watcher configmap.Watcher) func() *Config {
	store := configmap.NewUntypedStore("tenancy", logging.FromContext(ctx), configmap.Constructors{Name: FromConfigMap})
	store.WatchConfigs(watcher)
	return func() *Config { return store.UntypedLoad(Name).(*Config) }
}
