package builders

import (
	"fmt"
	"os"
	"strings"
)

// The lines of the page between which the table is.
const (
	tableStart = "<!-- The table is written by make builders. -->\n"
	tableEnd   = "<!-- End of the table. -->\n"
)

// NotRun is what became of a recipe that cannot run here.
const NotRun = "documented command, not run here"

// Table is the page's table with the given rows.
func Table(rows []string) string {
	return "| builder | command | leaves | `source` | what becomes of it |\n|---|---|---|---|---|\n" + strings.Join(rows, "\n") + "\n"
}

// ReadTable returns the table of the page at path.
func ReadTable(path string) (string, error) {
	_, table, _, err := cut(path)
	return table, err
}

// WriteTable puts the table into the page at path.
func WriteTable(path, table string) error {
	before, _, after, err := cut(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(before+tableStart+table+tableEnd+after), 0o644)
}

func cut(path string) (before, table, after string, err error) {
	page, err := os.ReadFile(path)
	if err != nil {
		return "", "", "", err
	}
	before, rest, start := strings.Cut(string(page), tableStart)
	table, after, end := strings.Cut(rest, tableEnd)
	if !start || !end {
		return "", "", "", fmt.Errorf("finding the table in %q: it has no line %q and then %q", path, tableStart, tableEnd)
	}
	return before, table, after, nil
}
