package reference

import "strings"

// Sources are the sources that text, the value of --source or of the param source, names: separated by commas, without the white space
// around each. There is at least one; an empty one stays.
func Sources(text string) []string {
	all := strings.Split(text, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}
