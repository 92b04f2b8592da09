package shown

import (
	"fmt"
	"unicode"
)

// JSON returns JSON of the same value, in which each character is escaped that a terminal obeys, turns the reading direction, or is none
// for YAML (https://yaml.org/spec/1.2.2/#51-character-set), of which JSON is then a part. encoding/json escapes those below U+0020 alone.
func JSON(data []byte) []byte {
	safe := make([]byte, 0, len(data))
	for _, r := range string(data) {
		if r >= 0x7f && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) || r == 0xfeff || r == 0xfffe || r == 0xffff {
			safe = fmt.Appendf(safe, `\u%04x`, r)
		} else {
			safe = append(safe, string(r)...)
		}
	}
	return safe
}
