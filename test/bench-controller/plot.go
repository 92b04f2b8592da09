package main

import (
	"errors"
	"image/color"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// drawing is one file of plots.
type drawing struct {
	file, title, x, y string
	// from is the case, and only samples whose name contains part are drawn.
	from, part string
}

var drawings = []drawing{
	{"controller-burst-50.png", "1,000 runs at once, 50 requests per second", "seconds", "runs begun", "burst-50", ""},
	{"controller-burst-200.png", "1,000 runs at once, 200 requests per second", "seconds", "runs begun", "burst-200", ""},
	{"controller-cpu.png", "Processor time of a run", "CustomRuns in the cluster", "milliseconds", "size", "ms of processor"},
	{"controller-memory.png", "Memory", "CustomRuns in the cluster", "MiB resident", "size", "MiB resident"},
}

// colors of ours and the peer's lines, apart also for who sees red and green alike.
var colors = map[string]color.Color{own.name: color.RGBA{0x00, 0x72, 0xb2, 0xff}, peer.name: color.RGBA{0xe6, 0x9f, 0x00, 0xff}}

// plot draws what the cases have seen, below root.
func (r *results) plot(root string) error {
	var errs []error
	for _, d := range drawings {
		if one, ok := r.Get(d.from); ok {
			errs = append(errs, d.draw(one.Samples, filepath.Join(root, filepath.Dir(page.Results), d.file)))
		}
	}
	return errors.Join(errs...)
}

func (d drawing) draw(samples []sample, path string) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = d.title, d.x, d.y
	p.X.Min, p.Y.Min = 0, 0
	p.Add(plotter.NewGrid())
	for _, one := range samples {
		name, what, _ := strings.Cut(one.Name, ", ")
		if !strings.Contains(what, d.part) {
			continue
		}
		points := make(plotter.XYs, len(one.Y))
		for i := range points {
			points[i].X, points[i].Y = one.X[i], one.Y[i]
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = colors[name], vg.Points(2)
		p.Add(line)
		p.Legend.Add(name, line)
	}
	p.Legend.Left, p.Legend.Top = true, true
	return p.Save(16*vg.Centimeter, 9*vg.Centimeter, path)
}
