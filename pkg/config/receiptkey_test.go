package config

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestReceipts(t *testing.T) {
	vault := Receipts{Mount: "transit", Key: "push-receipts", Address: "https://vault.example.com:8200", Login: "kubernetes", Role: "quay-push-receipts"}
	deeper := vault
	deeper.Mount = "team/transit"
	for text, want := range map[string]Receipts{
		"":                                 {},
		"secret:receipt-key":               {Secret: "receipt-key"},
		" secret:receipt-key ":             {Secret: "receipt-key"},
		"vault:transit/push-receipts":      vault,
		"vault:team/transit/push-receipts": deeper,
	} {
		c, err := FromConfigMap(&corev1.ConfigMap{Data: map[string]string{
			"receipt-key": text, "receipt-vault": vault.Address, "receipt-vault-login": "kubernetes/quay-push-receipts"}})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, on := c.Receipts(); got != want || on != (text != "") {
			t.Errorf("%q is %+v, %v", text, got, on)
		}
	}
}

func TestReceiptKeyRefused(t *testing.T) {
	vault := map[string]string{"receipt-key": "vault:transit/k", "receipt-vault": "https://v.example.com", "receipt-vault-login": "kubernetes/r"}
	if _, err := FromConfigMap(&corev1.ConfigMap{Data: vault}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ key, value string }{
		{"receipt-key", "receipt-key"}, {"receipt-key", "secret:"}, {"receipt-key", "secret:a/b"}, {"receipt-key", "secret:A"},
		{"receipt-key", "vault:transit"}, {"receipt-key", "vault:transit/../sys"}, {"receipt-key", "vault:/k"}, {"receipt-key", "file:/key"},
		{"receipt-vault", ""}, {"receipt-vault", "http://v.example.com"}, {"receipt-vault", "https://u:p@v.example.com"}, {"receipt-vault", "https://v.example.com/v1"},
		{"receipt-vault-login", ""}, {"receipt-vault-login", "kubernetes"}, {"receipt-vault-login", "kubernetes/../r"},
	} {
		data := map[string]string{}
		for key, value := range vault {
			data[key] = value
		}
		data[test.key] = test.value
		if _, err := FromConfigMap(&corev1.ConfigMap{Data: data}); err == nil || !strings.Contains(err.Error(), test.key) {
			t.Errorf("%s %q: %v", test.key, test.value, err)
		}
	}
}
