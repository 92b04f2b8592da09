package server

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Users of the API server. The manifests' RBAC and policies know them by these names.
const (
	// Administrator may do everything, and no queue of the API server makes it wait.
	Administrator = "admin"
	// Tekton is Tekton's controller, which alone may make CustomRuns of ours in a shared namespace.
	Tekton = "system:serviceaccount:tekton-pipelines:tekton-pipelines-controller"
	// Controller is the program under test: its requests are in the audit log.
	Controller = "system:serviceaccount:quay-push:controller"
)

var groups = map[string]string{
	Administrator: "system:masters",
	Tekton:        "system:masters",
	Controller:    "system:serviceaccounts",
}

// writeTokens gives every user a token.
func (s *Server) writeTokens() error {
	var file strings.Builder
	for user, group := range groups {
		s.tokens[user] = rand.Text()
		fmt.Fprintf(&file, "%s,%s,%s,%q\n", s.tokens[user], user, user, group)
	}
	return os.WriteFile(s.path("tokens.csv"), []byte(file.String()), 0o600)
}

// WriteKubeconfig writes what makes a program the user of the API server at address, and returns where.
func (s *Server) WriteKubeconfig(user, address string) (string, error) {
	const name = "bench"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: "https://" + address + ":" + port, CertificateAuthority: s.certificate(), TLSServerName: serverName}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: s.tokens[user]}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	path := s.path("kubeconfig-" + strings.ReplaceAll(user, ":", "-") + "-" + address)
	return path, clientcmd.WriteToFile(*config, path)
}
