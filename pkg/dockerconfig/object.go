package dockerconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxMembers is how many names an object of a file may have. A machine that logged in to every registry has some dozens; a megabyte
// of tiny ones would take a hundred times its size in memory.
const maxMembers = 1000

// object splits a JSON object into its members, each by its exact name. Unlike encoding/json it refuses a name given
// twice, on which two readers of one file could disagree. The error wraps ErrInvalid and holds nothing of data.
func object(data []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrInvalid)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil {
		return nil, syntaxError(decoder, err)
	} else if start != json.Delim('{') {
		return nil, fmt.Errorf("%w: not a JSON object", ErrInvalid)
	}
	members := map[string]json.RawMessage{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, syntaxError(decoder, err)
		}
		name, _ := token.(string) // The decoder takes nothing else here.
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("%w: a name is given twice, at byte %d", ErrInvalid, decoder.InputOffset())
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, syntaxError(decoder, err)
		}
		if len(members) == maxMembers {
			return nil, fmt.Errorf("%w: an object has more than %d names", ErrInvalid, maxMembers)
		}
		members[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, syntaxError(decoder, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: more data after the JSON object, at byte %d", ErrInvalid, decoder.InputOffset())
	}
	return members, nil
}

// syntaxError says where, not what: encoding/json's own text quotes the input.
func syntaxError(decoder *json.Decoder, err error) error {
	at := decoder.InputOffset()
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		at = syntax.Offset
	}
	return fmt.Errorf("%w: not JSON, at byte %d", ErrInvalid, at)
}
