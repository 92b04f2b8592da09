// Package externalsecret names what External Secrets serves.
package externalsecret

import "k8s.io/apimachinery/pkg/runtime/schema"

// Resource is served since External Secrets v0.17; v1beta1 is gone since then.
var Resource = schema.GroupVersionResource{Group: "external-secrets.io", Version: "v1", Resource: "externalsecrets"}
