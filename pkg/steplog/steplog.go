// Package steplog is how the programs that run as steps of a Task log.
package steplog

import (
	"io"
	"log/slog"
)

// New returns the logger that writes one line per event to output, in the format text or json, the value of --log-format; an unknown
// one is taken for text. Without an output it writes nothing.
func New(output io.Writer, format string) *slog.Logger {
	switch {
	case output == nil:
		return slog.New(slog.DiscardHandler)
	case format == "json":
		return slog.New(slog.NewJSONHandler(output, nil))
	}
	return slog.New(slog.NewTextHandler(output, nil))
}

// Known reports whether format is one that New knows; empty is text.
func Known(format string) bool { return format == "" || format == "text" || format == "json" }
