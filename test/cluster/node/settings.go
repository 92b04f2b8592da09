package node

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed settings
var settings embed.FS

// writeSettings writes the programs' own configuration files to Dir/settings.
func (n Node) writeSettings() error {
	for name, to := range map[string]string{
		"containerd.toml": "containerd.toml",
		"kubelet.yaml":    "kubelet.yaml",
		"bridge.conflist": "cni/bridge.conflist",
		"resolv.conf":     "resolv.conf",
		// containerd looks for a file of this name in a directory that is named after the registry.
		"hosts.toml": fmt.Sprintf("hosts/localhost:%d/hosts.toml", n.RegistryPort),
	} {
		content, err := n.render(name)
		if err != nil {
			return err
		}
		path := n.path("settings", to)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (n Node) render(name string) ([]byte, error) {
	parsed, err := template.ParseFS(settings, "settings/"+name)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	err = parsed.Execute(&content, map[string]string{
		"Dir": n.Dir, "Registry": n.Registry(), "CNIPlugins": cniPlugins,
		"Address": address, "PodCIDR": podCIDR, "Bridge": bridge, "Socket": containerdSocket,
	})
	return content.Bytes(), err
}
