package fleet

import (
	"encoding/json"
	"fmt"
)

// Where the records are: ConfigMaps of the platform's own namespace, which config/fleet/ makes empty, and their one key.
const (
	VerifyConfigMap = "fleet-verify"
	RotateConfigMap = "fleet-rotate"
	Key             = "result"
)

// maxRecord is the size in bytes of the largest record: what a ConfigMap holds, less some room for the rest of it.
const maxRecord = 1000 << 10

// Encode returns a record as the text of a ConfigMap.
func Encode[R Verification | Rotation](record R) (string, error) {
	data, err := json.Marshal(record)
	if err != nil {
		return "", fmt.Errorf("encoding the record: %w", err)
	}
	if len(data) > maxRecord {
		return "", fmt.Errorf("the record has %d bytes, and a ConfigMap holds no more than %d", len(data), maxRecord)
	}
	return string(data), nil
}

// Decode reads a record; no text is the zero value, which is that of no run. What is newer is read as far as it is known.
func Decode[R Verification | Rotation](text string) (record R, err error) {
	if text == "" {
		return record, nil
	}
	if len(text) > maxRecord {
		return record, fmt.Errorf("the record has %d bytes, more than %d", len(text), maxRecord)
	}
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		var none R
		return none, fmt.Errorf("reading the record: %w", err)
	}
	return record, nil
}
