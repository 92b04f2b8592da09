//go:build e2e

package e2e

import (
	"maps"
	"slices"
	"strings"
)

// identity judges a field by its name: Secrets, accounts, claims, and code.
func (j *judge) identity(name string, value any, path string) {
	lower := strings.ToLower(name)
	switch {
	case strings.Contains(lower, "secret"):
		for _, secret := range namesIn(value) {
			if !slices.Contains(ownSecrets, secret) && !(j.pod && pullSecret.MatchString(secret)) {
				j.find(path, "Secret %q", secret)
			}
		}
	case lower == "automountserviceaccounttoken":
		if value == true && !j.pod {
			j.find(path, "a token")
		}
	case strings.Contains(lower, "serviceaccount"):
		if _, ok := value.(map[string]any); ok {
			j.find(path, "a token")
		} else {
			j.accounts(map[string]any{name: value}, name)
		}
	case lower == "podcertificate":
		j.find(path, "a certificate of the account's")
	case lower == "claimname":
		claim, _ := value.(string)
		if !ofPlatform.MatchString(claim) && !(j.pod && newClaim.MatchString(claim)) && (!j.pod || strings.Contains(claim, "--")) {
			j.find(path, "claim %q", claim)
		}
	case strings.HasPrefix(lower, "configmap"):
		for _, configMap := range namesIn(value) {
			if !j.pod && !strings.HasPrefix(configMap, "platform--") {
				j.find(path, "ConfigMap %q", configMap)
			}
			j.belongs(path, configMap)
		}
	case slices.Contains([]string{"datasource", "datasourceref", "volumename", "selector"}, lower):
		j.find(path, "what somebody left in a volume")
	case (lower == "podaffinity" || lower == "podantiaffinity") && !j.pod:
		if len(value.(map[string]any)) > 0 {
			j.find(path, "it keeps other teams' Pods away")
		}
	case slices.Contains([]string{"pipelinespec", "taskspec", "managedby", "bundle"}, lower) && !j.pod:
		j.find(path, "code or a controller of its own")
	}
}

// accounts judges the field of holder that names a ServiceAccount.
func (j *judge) accounts(holder map[string]any, field string) {
	if account, _ := holder[field].(string); account != "pipeline" && (account != "" || j.pod) {
		j.find(field, "ServiceAccount %q", account)
	}
}

// namesIn lists the names in a reference, whichever form it has.
func namesIn(value any) (names []string) {
	switch value := value.(type) {
	case string:
		if value != "" {
			names = append(names, value)
		}
	case []any:
		for _, element := range value {
			names = append(names, namesIn(element)...)
		}
	case map[string]any:
		for _, field := range []string{"name", "secretName", "namespace"} {
			if name, _ := value[field].(string); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// harmless are the kinds of volumes that are neither the node's nor a driver's.
var harmless = []string{"name", "emptyDir", "configMap", "downwardAPI", "projected", "secret", "persistentVolumeClaim"}

// field judges an object by where it is: a volume of a kind that is not known to be harmless, or the rights of a process.
func (j *judge) field(object map[string]any, key, path string) {
	switch key {
	case "volumes":
		for _, kind := range slices.Sorted(maps.Keys(object)) {
			if !slices.Contains(harmless, kind) {
				j.find(path, "a volume of kind %s", kind)
			}
		}
	case "seccompProfile", "appArmorProfile":
		if object["type"] != "RuntimeDefault" {
			j.find(path, "%v", object)
		}
	case "seLinuxOptions":
		for _, part := range []string{"user", "role", "type"} {
			if object[part] != nil && object[part] != "" {
				j.find(path, "%s %v", part, object[part])
			}
		}
	case "capabilities":
		added, _ := object["add"].([]any)
		for _, capability := range added {
			if !slices.Contains(strings.Fields("AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"), capability.(string)) {
				j.find(path, "capability %v", capability)
			}
		}
	}
}

// node judges a field that is the node's whatever it is in, if it is set.
func (j *judge) node(name string, value any, path string) {
	switch name {
	case "hostNetwork", "hostPID", "hostIPC", "privileged", "hostProcess":
		if value == true {
			j.find(path, "%s", name)
		}
	case "hostPort":
		if value != int64(0) {
			j.find(path, "port %v of the node", value)
		}
	case "procMount":
		if value != "Default" {
			j.find(path, "procMount %v", value)
		}
	case "hostPath", "nodeName", "sysctls", "windowsOptions", "volumeDevices", "resourceClaims", "ephemeralContainers", "hostIP":
		if value != nil && value != "" {
			j.find(path, "%s %v", name, value)
		}
	}
}
