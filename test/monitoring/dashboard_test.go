package monitoring

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// dashboard is what Grafana needs to draw it.
type dashboard struct {
	UID           string `json:"uid"`
	Title         string `json:"title"`
	SchemaVersion int    `json:"schemaVersion"`
	Templating    struct {
		List []struct {
			Name  string `json:"name"`
			Query string `json:"query"`
		} `json:"list"`
	} `json:"templating"`
	Panels []struct {
		ID      int    `json:"id"`
		Title   string `json:"title"`
		GridPos struct{ X, Y, W, H int }
		Targets []struct {
			RefID string `json:"refId"`
			Expr  string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	data, err := os.ReadFile(Manifests + "dashboard.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var object struct {
		Kind     string                             `json:"kind"`
		Metadata struct{ Labels map[string]string } `json:"metadata"`
		Data     map[string]string                  `json:"data"`
	}
	if err := yaml.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	if object.Kind != "ConfigMap" || object.Metadata.Labels["grafana_dashboard"] != "1" || len(object.Data) != 1 {
		t.Fatalf("%s with labels %v and %d keys is nothing that the sidecar takes", object.Kind, object.Metadata.Labels, len(object.Data))
	}
	var d dashboard
	if err := json.NewDecoder(bytes.NewReader([]byte(object.Data["quay-push.json"]))).Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Grafana drops panels of the same id, draws the ones that overlap over each other, and shows nothing for what is no query.
func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	if d.UID == "" || d.Title == "" || d.SchemaVersion == 0 || len(d.Panels) == 0 {
		t.Fatalf("%+v", d)
	}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 || p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q has no id of its own, no title or no query", p.ID, p.Title)
		}
		ids[p.ID] = true
		if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 || p.GridPos.H == 0 {
			t.Errorf("panel %q does not fit: %+v", p.Title, p.GridPos)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, taken := cells[[2]int{x, y}]; taken {
					t.Fatalf("panel %q lies over %q", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			known(t, p.Title, target.Expr)
		}
	}
}

// Every variable that a query uses is declared, and every metric of ours is drawn somewhere.
func TestDashboardIsComplete(t *testing.T) {
	d := readDashboard(t)
	var everything strings.Builder
	for _, v := range d.Templating.List {
		everything.WriteString(v.Query + "\n")
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			everything.WriteString(target.Expr + "\n")
		}
	}
	for _, v := range []string{"team", "datasource"} {
		declared := false
		for _, variable := range d.Templating.List {
			declared = declared || variable.Name == v
		}
		if !declared {
			t.Errorf("variable $%s is not declared", v)
		}
	}
	names, err := Documented()
	if err != nil {
		t.Fatal(err)
	}
	for name := range names {
		if strings.HasPrefix(name, "quay_push_") && !strings.Contains(everything.String(), name) {
			t.Errorf("%s is drawn nowhere", name)
		}
	}
}

// The drawing of the dashboard has its panels, by their titles and in their order.
func TestDrawing(t *testing.T) {
	drawing, err := os.ReadFile("../../docs/dashboard.svg")
	if err != nil {
		t.Fatal(err)
	}
	var drawn, panels []string
	for _, found := range regexp.MustCompile(`<text class="name"[^>]*>([^<]*)<`).FindAllSubmatch(drawing, -1) {
		drawn = append(drawn, string(found[1]))
	}
	for _, p := range readDashboard(t).Panels {
		panels = append(panels, p.Title)
	}
	if len(panels) == 0 || !slices.Equal(drawn, panels) {
		t.Errorf("docs/dashboard.svg has\n%q\nthe dashboard\n%q", drawn, panels)
	}
}
