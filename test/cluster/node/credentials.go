package node

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/comptech-lab/quay-push/test/cluster/pki"
)

// users are the cluster's own, each with the group that RBAC's bootstrap roles or the Node authorizer know it by.
var users = map[string]string{
	"kube-controller-manager": "system:kube-controller-manager",
	"kube-scheduler":          "system:kube-scheduler",
	"kube-proxy":              "system:kube-proxy",
	"kubelet":                 "system:node:" + Name,
}

// writeCredentials writes what every program proves itself with to Dir/pki, and the administrator's kubeconfig.
func (n Node) writeCredentials() error {
	if err := os.MkdirAll(n.path("pki"), 0o700); err != nil {
		return err
	}
	authority, err := pki.New("quay-push test cluster")
	if err != nil {
		return err
	}
	server, err := authority.Server("kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc.cluster.local", "localhost", "127.0.0.1", address, "10.96.0.1")
	if err != nil {
		return err
	}
	administrator, err := authority.Client("admin", "system:masters")
	if err != nil {
		return err
	}
	tokens, err := pki.Key()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"ca.crt": authority.PEM, "apiserver.crt": server.Certificate, "apiserver.key": server.Key,
		"admin.crt": administrator.Certificate, "admin.key": administrator.Key, "tokens.key": tokens,
	} {
		if err := os.WriteFile(n.path("pki", name), content, 0o600); err != nil {
			return err
		}
	}
	for program, user := range users {
		client, err := authority.Client(user, "system:nodes")
		if err != nil {
			return err
		}
		if err := writeKubeconfig(n.path("pki", program+".kubeconfig"), "https://127.0.0.1:6443", authority.PEM, client); err != nil {
			return err
		}
	}
	return writeKubeconfig(n.Kubeconfig(), fmt.Sprintf("https://127.0.0.1:%d", n.APIPort), authority.PEM, administrator)
}

// writeKubeconfig writes a kubeconfig with one context: server, a URL, as whom client says.
func writeKubeconfig(path, server string, authority []byte, client pki.Pair) error {
	const name = "quay-push"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: authority}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: client.Certificate, ClientKeyData: client.Key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, path)
}
