package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// outputVersion is the apiVersion of what is printed as JSON or YAML. Fields are added to it; none is renamed or taken away.
const outputVersion = "cli." + v1alpha1.Group + "/v1alpha1"

// wideToo is an annotation of a command whose table has more to show with --output wide.
const wideToo = "wide-too"

// head is the beginning of everything that is printed as JSON or YAML.
type head struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

func newHead(kind string) head { return head{outputVersion, kind} }

// result is what a command found or did.
type result interface {
	// write writes it for people.
	write(w io.Writer) error
}

// print prints a result in the format that was asked for.
func (c *connection) print(r result) error {
	if c.format == "table" || c.format == "wide" {
		return r.write(c.program.Out)
	}
	return c.encode(r)
}

// encode prints a value as YAML if that was asked for, else as JSON. What a terminal would obey is escaped; YAML, which writes some of that
// as it is, is then written as JSON, which is YAML, too.
func (c *connection) encode(r any) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the result: %w", err)
	}
	data = append(shown.JSON(data), '\n')
	if c.format == "yaml" {
		plain, err := yaml.JSONToYAML(data)
		if err != nil {
			return fmt.Errorf("encoding the result: %w", err)
		}
		if bytes.Equal(shown.JSON(plain), plain) {
			data = plain
		}
	}
	_, err = c.program.Out.Write(data)
	return err
}

// printError prints what is wrong and the next step.
func (p *Program) printError(err error) {
	if err == nil {
		return
	}
	problem, next := split(err)
	fmt.Fprintln(p.Err, "tkn quay: "+shown.Line(problem))
	if next != "" {
		fmt.Fprintln(p.Err, "next: "+shown.Line(next))
	}
}

// split parts an error from its next step, where it has one.
func split(err error) (problem, next string) {
	next = nextOf(err)
	problem = strings.TrimSuffix(err.Error(), "; "+next)
	// client-go's words for a request that it did not begin because the time was up.
	return strings.ReplaceAll(problem, "client rate limiter Wait returned an error: ", "the API server was not asked any more: "), next
}

// table writes rows below a heading, in columns.
func table(w io.Writer, heading []string, rows [][]string) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{heading}, rows...) {
		for i, cell := range row {
			row[i] = shown.Line(cell)
		}
		fmt.Fprintln(columns, strings.Join(row, "\t"))
	}
	return columns.Flush()
}

// writeLines writes a line for each text, which begins with what was done with it.
func writeLines(w io.Writer, what string, texts []string) {
	for _, text := range texts {
		fmt.Fprintf(w, "%s %s\n", what, shown.Line(text))
	}
}

// stepsTable writes steps.
func stepsTable(w io.Writer, steps []robot.Step) error {
	rows := [][]string{}
	for _, s := range steps {
		rows = append(rows, []string{s.ID, string(s.State), s.Title, s.Detail})
	}
	return table(w, []string{"STEP", "STATE", "WHAT", "FOUND"}, rows)
}

// printManifests prints manifests as one stream of YAML, what is for Vault as comments, or as one List in JSON.
func (c *connection) printManifests(files []onboard.Manifest, commands []string) error {
	if c.format == "json" {
		items := []map[string]any{}
		for _, m := range files {
			items = append(items, m.Objects...)
		}
		list := map[string]any{"apiVersion": "v1", "kind": "List", "items": items}
		if texts := vaultFiles(files); len(texts) > 0 {
			// Beside the items, where kubectl does not look.
			list["vaultFiles"], list["commands"] = texts, commands
		}
		return c.encode(list)
	}
	out := []string{}
	for _, m := range files {
		data, err := m.Bytes()
		if err != nil {
			return err
		}
		if m.Objects == nil {
			data = []byte("# " + m.Name + "\n# " + strings.ReplaceAll(strings.TrimSuffix(string(data), "\n"), "\n", "\n# ") + "\n")
		}
		out = append(out, string(data))
	}
	for _, command := range commands {
		out = append(out, "# "+command+"\n")
	}
	_, err := io.WriteString(c.program.Out, strings.Join(out, "---\n"))
	return err
}
