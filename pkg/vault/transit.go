package vault

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// SigningKey returns the newest version of a key of the client's mount, which is of the transit engine, and its public key in PEM (Vault's
// API: GET <mount>/keys/<name>).
func (c *Client) SigningKey(ctx context.Context, name string) (version int, publicPEM string, err error) {
	path := c.mount + "/keys/" + name
	if err := CheckPath(path); err != nil {
		return 0, "", err
	}
	answer, err := c.api.Logical().ReadWithContext(ctx, path)
	if err != nil {
		return 0, "", fmt.Errorf("reading Vault's key %q: %w", path, wrap(err))
	}
	if answer == nil {
		return 0, "", fmt.Errorf("reading Vault's key %q: %w", path, ErrNotFound)
	}
	newest, _ := answer.Data["latest_version"].(json.Number)
	keys, _ := answer.Data["keys"].(map[string]any)
	key, _ := keys[newest.String()].(map[string]any)
	publicPEM, _ = key["public_key"].(string)
	if version, err = strconv.Atoi(newest.String()); err != nil || publicPEM == "" {
		return 0, "", fmt.Errorf("reading Vault's key %q: it has no public key: it has to be of type ecdsa-p256", path)
	}
	return version, publicPEM, nil
}

// Sign returns an ASN.1 signature of message's SHA-256 by a version of a key of the transit engine (Vault's API: POST
// <mount>/sign/<name>/sha2-256).
func (c *Client) Sign(ctx context.Context, name string, version int, message []byte) ([]byte, error) {
	path := c.mount + "/sign/" + name + "/sha2-256"
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	answer, err := c.api.Logical().WriteWithContext(ctx, path, map[string]any{
		"input": base64.StdEncoding.EncodeToString(message), "key_version": version, "marshaling_algorithm": "asn1"})
	if err != nil {
		return nil, fmt.Errorf("signing with Vault's key %q: %w", path, wrap(err))
	}
	var text string
	if answer != nil {
		text, _ = answer.Data["signature"].(string)
	}
	text, ok := strings.CutPrefix(text, "vault:v"+strconv.Itoa(version)+":")
	signature, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(signature) == 0 {
		return nil, fmt.Errorf("signing with Vault's key %q: the answer has no signature of version %d", path, version)
	}
	return signature, nil
}
