package docs_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A picture is complete in itself, tells those who cannot see it what it shows, and can be read on a dark page.
func TestPictures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.svg"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := map[string]string{}
		decoder := xml.NewDecoder(strings.NewReader(string(data)))
		element := ""
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			switch token := token.(type) {
			case xml.StartElement:
				element = token.Name.Local
				if element == "script" || element == "image" || element == "foreignObject" {
					t.Errorf("%s has an element %s", file, element)
				}
				for _, a := range token.Attr {
					if a.Name.Local == "href" || strings.HasPrefix(a.Name.Local, "on") {
						t.Errorf("%s: %s has %s=%q", file, element, a.Name.Local, a.Value)
					}
				}
			case xml.CharData:
				text[element] += string(token)
			}
		}
		if strings.TrimSpace(text["title"]) == "" || strings.TrimSpace(text["desc"]) == "" {
			t.Errorf("%s has no title or no desc", file)
		}
		style := text["style"]
		if strings.Contains(style, "@import") || strings.Contains(style, "@font-face") || strings.Contains(style, "url(") {
			t.Errorf("%s takes its style from elsewhere", file)
		}
		if !strings.Contains(style, "prefers-color-scheme: dark") {
			t.Errorf("%s has no dark colors", file)
		}
	}
}
