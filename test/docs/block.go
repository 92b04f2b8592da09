// Package docs reads the pages of the documentation for tests of what is in them.
package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Block is a fenced block of a page.
type Block struct {
	// Page is the file, Line the line of the fence.
	Page string
	Line int
	// Language is what follows the fence: sh, yaml, text.
	Language string
	Text     string
}

// String is page and line, as an editor takes them.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// Pages returns the pages that people read, below the top directory root of the repository. docs/cli is not among them: the commands write it.
func Pages(root string) ([]string, error) {
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "tekton/*/*/*/README.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("looking for %q: %d pages, %w", pattern, len(found), err)
		}
		pages = append(pages, found...)
	}
	return pages, nil
}

// Blocks returns the blocks in a language of all pages.
func Blocks(root, language string) ([]Block, error) {
	pages, err := Pages(root)
	if err != nil {
		return nil, err
	}
	var found []Block
	for _, page := range pages {
		blocks, err := Read(page)
		if err != nil {
			return nil, err
		}
		for _, b := range blocks {
			if b.Language == language {
				found = append(found, b)
			}
		}
	}
	return found, nil
}

// Read returns the page's blocks in order.
func Read(page string) ([]Block, error) {
	data, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	return parse(page, string(data))
}

func parse(page, text string) ([]Block, error) {
	const fence = "```"
	var blocks []Block
	var open *Block
	line := 0
	for text := range strings.Lines(text) {
		line++
		switch {
		case open == nil && strings.HasPrefix(text, fence):
			open = &Block{Page: page, Line: line, Language: strings.TrimSpace(text[len(fence):])}
		case open == nil:
			if strings.HasPrefix(strings.TrimSpace(text), fence) {
				return nil, fmt.Errorf("%s:%d: a block is indented, and would not be seen", page, line)
			}
		case strings.TrimRight(text, "\n") == fence:
			blocks, open = append(blocks, *open), nil
		default:
			open.Text += text
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s: the block is not closed", open)
	}
	return blocks, nil
}
