package main

import (
	"errors"
	"fmt"
	"strings"
)

// publish writes JSON, page and plots.
func (r *results) publish(root string) error {
	return errors.Join(r.Write(root, r.table()), r.plot(root))
}

// table is the results in Markdown.
func (r *results) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | seen | must be | seen ÷ must be | %s | %s ÷ %s |\n|---|---|---|---|---|---|\n", peer.name, own.name, peer.name)
	for _, one := range r.Cases {
		fmt.Fprintf(&b, "| **%s** (load %s–%s) | | | | | |\n", one.Title, one.LoadBefore, one.LoadAfter)
		for _, c := range one.Checks {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(c.cells(), " | "))
		}
	}
	return b.String()
}

// cells are the check's, in the order of the table.
func (c check) cells() []string {
	cells := []string{c.What, number(c.Seen, c.Unit), "", "", "", ""}
	if c.Limit != nil {
		cells[2] = "≤ " + number(*c.Limit, c.Unit)
		if *c.Limit != 0 {
			cells[3] = fmt.Sprintf("%.2f", c.Seen / *c.Limit)
		}
		if c.reached() {
			cells[1] += " ✓"
		} else {
			cells[1] = "**" + cells[1] + "** ✗"
		}
	}
	if c.Peer != nil {
		cells[4] = number(*c.Peer, c.Unit)
		if *c.Peer > 0 && c.Seen > 0 {
			cells[5] = fmt.Sprintf("%.2f", c.Seen / *c.Peer)
		}
	}
	return cells
}
