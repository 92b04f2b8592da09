package onboard

import (
	"bytes"
	"fmt"

	"sigs.k8s.io/yaml"
)

// object is a Kubernetes object.
type object = map[string]any

// Manifest is one file of what is rendered.
type Manifest struct {
	// Name is the file's, with its ending. What Kubernetes does not read is in a directory of its own, vault/: kubectl apply -f, and
	// Argo CD, take every .json and .yaml of a directory for a manifest, and leave out those below it.
	Name string
	// Objects are Kubernetes objects, in the order in which they can be made.
	Objects []map[string]any
	// Text is a file that Kubernetes does not read, for Vault; then there are no Objects.
	Text string
}

// Bytes is the file's content: YAML documents, or the text.
func (m Manifest) Bytes() ([]byte, error) {
	if m.Objects == nil {
		return []byte(m.Text), nil
	}
	documents := [][]byte{}
	for _, o := range m.Objects {
		document, err := yaml.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("encoding %q: %w", m.Name, err)
		}
		documents = append(documents, document)
	}
	return bytes.Join(documents, []byte("---\n")), nil
}

// newObject returns an object with a name; namespace may be empty. Its labels say that it is part of quay-push.
func newObject(apiVersion, kind, namespace, name string, labels map[string]string) object {
	all := object{PartOfLabel: PartOf}
	for key, value := range labels {
		if value != "" {
			all[key] = value
		}
	}
	metadata := object{"name": name, "labels": all}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	return object{"apiVersion": apiVersion, "kind": kind, "metadata": metadata}
}

const rbacGroup = "rbac.authorization.k8s.io"

// newRole returns a Role with one rule.
func newRole(namespace, name string, labels map[string]string, group, resource, resourceName, verb string) object {
	role := newObject(rbacGroup+"/v1", "Role", namespace, name, labels)
	role["rules"] = []any{object{"apiGroups": []any{group}, "resources": []any{resource}, "resourceNames": []any{resourceName}, "verbs": []any{verb}}}
	return role
}

// newBinding binds a Role or a ClusterRole to a ServiceAccount.
func newBinding(namespace, name string, labels map[string]string, roleKind, role, accountNamespace, account string) object {
	binding := newObject(rbacGroup+"/v1", "RoleBinding", namespace, name, labels)
	binding["roleRef"] = object{"apiGroup": rbacGroup, "kind": roleKind, "name": role}
	binding["subjects"] = []any{object{"kind": "ServiceAccount", "name": account, "namespace": accountNamespace}}
	return binding
}
