package stepargs

import "strconv"

// Negated is a boolean flag that is on while its variable is not.
type Negated struct{ Off *bool }

func (n Negated) String() string { return strconv.FormatBool(n.Off == nil || !*n.Off) }

// Set implements flag.Value.
func (n Negated) Set(text string) error {
	on, err := strconv.ParseBool(text)
	if err == nil {
		*n.Off = !on
	}
	return err
}

// IsBoolFlag lets the flag stand without a value (package flag).
func (n Negated) IsBoolFlag() bool { return true }
