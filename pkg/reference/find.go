package reference

import "regexp"

var digestInText = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// Digests finds every sha256:<64 hex> in a text: in images, and in whatever else names one, or begins like one. One may be found twice.
func Digests[T string | []byte](text T) []string {
	var found []string
	for _, match := range digestInText.FindAll([]byte(text), -1) {
		found = append(found, string(match))
	}
	return found
}
