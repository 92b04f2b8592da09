package dockerconfig

import (
	"encoding/json"
	"fmt"
	"strings"
)

// refuseStore refuses a file whose credentials are all with a program: Docker would prefer that program to auths.
func refuseStore(file map[string]json.RawMessage) error {
	if store := file["credsStore"]; !absent(store) && strings.TrimSpace(string(store)) != `""` {
		return fmt.Errorf("%w: the file has credsStore, and no such program runs here; put the credential under auths", ErrHelper)
	}
	return nil
}

// parseHelpers reads credHelpers, the programs that have the credentials of single registries.
func parseHelpers(data json.RawMessage) (map[string]string, error) {
	if absent(data) {
		return nil, nil
	}
	members, err := object(data)
	if err != nil {
		return nil, err
	}
	helpers := map[string]string{}
	for key, value := range members {
		var program string
		if json.Unmarshal(value, &program) != nil {
			return nil, fmt.Errorf("%w: a helper is not a string", ErrInvalid)
		}
		helpers[key] = program
	}
	return helpers, nil
}

// refuseHelper refuses a host whose credential is with a program: Docker would prefer that program to auths. An empty name is
// none.
func (c Config) refuseHelper(host string) error {
	for key, program := range c.helpers {
		if program != "" && normalize(key) == host {
			return fmt.Errorf("%w: the file has one in credHelpers for %q, and no such program runs here; put the credential under auths", ErrHelper, host)
		}
	}
	return nil
}
