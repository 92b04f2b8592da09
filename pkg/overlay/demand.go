package overlay

import (
	"context"
	"io/fs"
)

// Demand is what has to be true of a digest that an overlay pins. The error is a *Refusal if it is not; any other error is one of who was
// asked.
type Demand func(ctx context.Context, o Overlay, pin Pin) error

// Meets asks the demands about each digest that o has in images, which are those that Promote copies. The error is that of the first that
// is not met, or tree's.
func (o Overlay) Meets(ctx context.Context, tree fs.FS, demands ...Demand) error {
	if err := o.validate(); err != nil || len(demands) == 0 {
		return err
	}
	pins, err := o.pins(tree)
	if err != nil {
		return err
	}
	for _, pin := range pins {
		for _, demand := range demands {
			if err := demand(ctx, o, pin); err != nil {
				return err
			}
		}
	}
	return nil
}
