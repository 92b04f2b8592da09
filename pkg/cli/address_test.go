package cli

import (
	"strings"
	"testing"
)

func TestCheckAddress(t *testing.T) {
	for _, address := range []string{"https://vault.example.com:8200", "http://127.0.0.1:8200", "https://[::1]:8200/", "https://vault.example.com/v1"} {
		if err := checkAddress("VAULT_ADDR", address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for address, next := range map[string]string{
		"vault.example.com:8200":           "such as https://vault.example.com:8200",
		"vault.example.com":                "such as https://vault.example.com",
		"127.0.0.1:8200":                   "such as https://127.0.0.1:8200",
		"localhost:8200/":                  "such as https://localhost:8200",
		"//vault.example.com":              "such as https://vault.example.com",
		"ftp://vault.example.com":          "such as https://vault.example.com",
		"https://":                         "such as https://vault.example.com:8200",
		"https://:8200":                    "such as https://:8200",
		"https://admin:S3CR3T@vault:8200":  "such as https://vault:8200",
		"admin:S3CR3T@vault.example.com":   "such as https://vault.example.com",
		"https://admin:S3@CR3T@vault:8200": "such as https://vault:8200",
	} {
		err := checkAddress("VAULT_ADDR", address)
		if exit := exitOf(t.Context(), err); exit != ExitUsage {
			t.Errorf("%q: exit %d", address, exit)
			continue
		}
		if !strings.Contains(err.Error(), "VAULT_ADDR ") || !strings.HasSuffix(nextOf(err), next) || strings.Contains(err.Error(), "CR3T") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
