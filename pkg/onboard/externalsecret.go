package onboard

import "fmt"

// externalSecret renders the Secret from Vault. Every field that the API server would fill in is spelled out, so that nothing
// drifts (external-secrets#5145); both keys come from one read of Vault, so that they are of one version; and with metadata in
// the template, that of the ExternalSecret, such as Argo CD's, is not copied to the Secret.
func (t Team) externalSecret() object {
	metadata := object{"labels": object{t.TeamLabel: t.Tenant.Team}}
	spec := object{
		"refreshPolicy":   "Periodic",
		"refreshInterval": "1h0m0s",
		"secretStoreRef":  object{"kind": "SecretStore", "name": t.SecretStore},
		"target": object{
			"name":           t.Tenant.Secret,
			"creationPolicy": "Owner",
			// A team whose path in Vault is gone has no Secret any more.
			"deletionPolicy": "Delete",
			"template": object{
				"type": "kubernetes.io/dockerconfigjson", "engineVersion": "v2", "mergePolicy": "Replace", "metadata": metadata,
				"data": object{".dockerconfigjson": fmt.Sprintf(`{"auths":{%q:{"auth":"{{ printf "%%s:%%s" .username .token | b64enc }}"}}}`, t.Tenant.Registry)},
			},
		},
		"dataFrom": []any{object{"extract": t.reference("None")}},
	}
	if t.VersionAnnotation {
		metadata["annotations"] = object{VersionAnnotation: "{{ .vaultVersion }}"}
		version := t.reference("Fetch")
		version["property"] = "current_version"
		spec["data"] = []any{object{"secretKey": "vaultVersion", "remoteRef": version}}
	}
	es := newObject("external-secrets.io/v1", "ExternalSecret", t.Tenant.Namespace, t.Tenant.Secret, t.labels())
	es["spec"] = spec
	return es
}

// reference is the team's path in Vault, as External Secrets reads it.
func (t Team) reference(metadataPolicy string) object {
	reference := object{"key": t.Tenant.VaultPath, "conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": metadataPolicy}
	if t.NullBytePolicy {
		reference["nullBytePolicy"] = "Ignore"
	}
	return reference
}
