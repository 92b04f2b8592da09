package main

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// colors of the peers, apart also for who sees red and green alike.
var colors = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0x56, 0xb4, 0xe9, 0xff}, color.RGBA{0xe6, 0x9f, 0x00, 0xff}, color.RGBA{0xcc, 0x79, 0xa7, 0xff},
}

// plot draws the ratios of all races as bars, on a logarithmic scale.
func (r *results) plot(path string) error {
	var titles []string
	values := make([]plotter.Values, len(peers))
	for _, one := range r.Cases {
		if len(one.Clients) < 2 || one.Unpacks {
			continue
		}
		titles = append(titles, one.Case)
		for i, peer := range peers {
			// A bar begins at 1, as fast as push-image, and goes up or down; one that is missing has no height.
			height := 0.0
			if c, ok := r.get(one.Case, peer); ok && c.Ratio > 0 {
				height = c.Ratio - 1
			}
			values[i] = append(values[i], height)
		}
	}
	if len(titles) == 0 {
		return nil
	}
	p := plot.New()
	p.Title.Text = "How many times as long as push-image the others take"
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, true
	equal := make(plotter.Values, len(titles))
	for i := range equal {
		equal[i] = 1
	}
	base, err := plotter.NewBarChart(equal, 1)
	if err != nil {
		return err
	}
	const width = 10
	for i, peer := range peers {
		bars, err := plotter.NewBarChart(values[i], vg.Points(width))
		if err != nil {
			return err
		}
		bars.StackOn(base)
		bars.Color, bars.LineStyle.Width = colors[i], 0
		bars.Offset = vg.Points(width * (float64(i) - 1.5))
		p.Add(bars)
		p.Legend.Add(peer, bars)
	}
	p.Add(plotter.NewGrid())
	p.NominalX(titles...)
	// Room for what stands on the edge.
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.7, float64(len(titles))-0.5, 0.8, p.Y.Max*2
	return p.Save(24*vg.Centimeter, 12*vg.Centimeter, path)
}
