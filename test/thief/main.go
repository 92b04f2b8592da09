// Thief is what the steps of an attacker run in the end-to-end tests: each command prints what it could get at.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: thief cat|list|call|result|listen|sleep ARG ...")
		os.Exit(2)
	}
	for _, arg := range os.Args[2:] {
		if err := steal(os.Args[1], arg); err != nil {
			fmt.Println("failed:", err)
		}
	}
}

// steal does one thing to one argument: a file, a pattern, "METHOD PATH [BODY]", NAME=VALUE, an address or a duration.
func steal(command, arg string) error {
	switch command {
	case "cat":
		data, err := os.ReadFile(arg)
		fmt.Printf("%s: %s\n", arg, data)
		return err
	case "list":
		found, err := filepath.Glob(arg)
		fmt.Printf("%s: %q\n", arg, found)
		return err
	case "call":
		return call(arg)
	case "result":
		name, value, _ := strings.Cut(arg, "=")
		return os.WriteFile("/tekton/results/"+name, []byte(value), 0o644)
	case "listen":
		return http.ListenAndServe(arg, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			user, password, _ := r.BasicAuth()
			fmt.Printf("%s %s as %q with %s\n", r.Method, r.URL, user, password)
		}))
	case "sleep":
		d, err := time.ParseDuration(arg)
		time.Sleep(d)
		return err
	}
	return fmt.Errorf("%q is no command", command)
}

// call asks the API server as the Pod's own account.
func call(what string) error {
	const account = "/var/run/secrets/kubernetes.io/serviceaccount/"
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return err
	}
	method, rest, _ := strings.Cut(what, " ")
	path, body, _ := strings.Cut(rest, " ")
	request, err := http.NewRequest(method, "https://kubernetes.default.svc"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	request.Header.Set("Content-Type", "application/json")
	// Whom a thief calls it does not check.
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	fmt.Printf("%s: %s %s\n", what, response.Status, answer)
	return err
}
