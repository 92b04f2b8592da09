package node

const containerdSocket = "/run/containerd/containerd.sock"

// store is what the API server needs, and what takes long to start.
func (n Node) store() []program {
	return []program{
		{"etcd", n.path("bin", "kube"), []string{
			"--data-dir=" + n.path("etcd"), "--unsafe-no-fsync", "--log-level=warn",
			"--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
			"--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380",
			"--initial-cluster=default=http://127.0.0.1:2380"}},
		{"containerd", "/usr/bin/containerd", []string{"--config=" + n.path("settings", "containerd.toml")}},
		{"kube-apiserver", n.path("bin", "kube"), []string{
			"--etcd-servers=http://127.0.0.1:2379",
			// Loopback is refused as the address of the Service "kubernetes".
			"--advertise-address=" + address, "--secure-port=6443", "--service-cluster-ip-range=" + services,
			"--client-ca-file=" + n.path("pki", "ca.crt"),
			"--tls-cert-file=" + n.path("pki", "apiserver.crt"), "--tls-private-key-file=" + n.path("pki", "apiserver.key"),
			"--authorization-mode=Node,RBAC", "--enable-admission-plugins=" + n.AdmissionPlugins, "--allow-privileged",
			"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
			"--service-account-key-file=" + n.path("pki", "tokens.key"),
			"--service-account-signing-key-file=" + n.path("pki", "tokens.key"),
			"--kubelet-preferred-address-types=InternalIP",
			"--kubelet-client-certificate=" + n.path("pki", "admin.crt"), "--kubelet-client-key=" + n.path("pki", "admin.key")}},
	}
}

// controllers are the programs that want the API server to be ready.
func (n Node) controllers() []program {
	kubeconfig := func(program string) string { return "--kubeconfig=" + n.path("pki", program+".kubeconfig") }
	return []program{
		{"kube-controller-manager", n.path("bin", "kube"), []string{
			kubeconfig("kube-controller-manager"), "--leader-elect=false", "--use-service-account-credentials",
			"--root-ca-file=" + n.path("pki", "ca.crt"), "--service-account-private-key-file=" + n.path("pki", "tokens.key")}},
		{"kube-scheduler", n.path("bin", "kube"), []string{kubeconfig("kube-scheduler"), "--leader-elect=false"}},
		{"kube-proxy", n.path("bin", "kube"), []string{
			kubeconfig("kube-proxy"), "--hostname-override=" + Name, "--proxy-mode=iptables", "--conntrack-max-per-core=0",
			// Between two pods of one bridge the answer would not come back through the node, and not be translated.
			"--masquerade-all"}},
		{"kubelet", n.path("bin", "kube"), []string{
			kubeconfig("kubelet"), "--config=" + n.path("settings", "kubelet.yaml"), "--hostname-override=" + Name,
			"--node-ip=" + address, "--root-dir=" + n.path("kubelet"), "--cert-dir=" + n.path("kubelet", "pki")}},
	}
}
