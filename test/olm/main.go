// Olm validates an OLM bundle as operator-sdk bundle validate does: go run -C test/olm . DIRECTORY. It prints what is against it, and
// exits with 1 if anything is.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: olm DIRECTORY")
		os.Exit(2)
	}
	against, err := validate(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	against = append(against, registry(os.Args[1])...)
	for _, text := range against {
		fmt.Println(text)
	}
	if len(against) > 0 {
		os.Exit(1)
	}
}
