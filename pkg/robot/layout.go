package robot

import (
	"regexp"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// Layout returns the division and the app that a path in Vault, without the mount, names by the convention; ok is false for a path that
// team would have for none, and where the convention's paths do not name both.
func Layout(c tenant.Convention, team, path string) (division, app string, ok bool) {
	pattern := regexp.QuoteMeta(strings.ReplaceAll(c.VaultPath, "<team>", team))
	for _, name := range []string{"division", "app"} {
		pattern = strings.Replace(pattern, "<"+name+">", "(?P<"+name+">[^/]+)", 1)
	}
	expression, err := regexp.Compile("^" + pattern + "$")
	if err != nil {
		return "", "", false
	}
	found := expression.FindStringSubmatch(path)
	if found == nil || expression.SubexpIndex("division") < 0 || expression.SubexpIndex("app") < 0 {
		return "", "", false
	}
	division, app = found[expression.SubexpIndex("division")], found[expression.SubexpIndex("app")]
	t, err := NewTenant(c, team, division, app)
	return division, app, err == nil && t.VaultPath == path
}
