package quaytest

import (
	"fmt"
	"net/http"
)

// quotaRoutes are those of quay/quay:endpoints/api/namespacequota.py that ask. No robot may: it learns of a quota when it
// starts an upload.
var quotaRoutes = []apiRoute{route("GET", "organization/{}/quota", orgMember, apiCall.listQuota)}

// listQuota shows the only quota that an organization can have.
func (c apiCall) listQuota() (int, any, *apiError) {
	o := c.q.organizations[c.args[0]]
	if o == nil || o.quota == 0 {
		return http.StatusOK, []any{}, nil
	}
	return http.StatusOK, []any{map[string]any{"id": 1, "limit_bytes": o.quota, "limit": binarySize(o.quota), "default_config": false,
		"default_config_exists": false, "limits": []any{map[string]any{"id": 1, "type": "Reject", "limit_percent": 100}}}}, nil
}

// binarySize is a number of bytes in the largest unit that it fills.
func binarySize(bytes int64) string {
	value, units := float64(bytes), []string{"Byte", "KiB", "MiB", "GiB", "TiB"}
	for value >= 1024 && len(units) > 1 {
		value, units = value/1024, units[1:]
	}
	return fmt.Sprintf("%.1f %s", value, units[0])
}
