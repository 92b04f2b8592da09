package choice_test

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source/choice"
)

func hash(hex string) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(hex, 64)} }

// A name, a place or a digest picks an image; nothing picks any.
func TestPicks(t *testing.T) {
	for _, test := range []struct {
		text  string
		place int
		hex   string
		name  string
		want  bool
	}{
		{"", 3, "a", "v1", true},
		{"v1", 3, "a", "v1", true},
		{"v1", 3, "a", "v2", false},
		{"@3", 3, "a", "", true},
		{"@3", 2, "a", "@3", false},
		{"@" + hash("a").String(), 3, "a", "", true},
		{"@" + hash("a").String(), 3, "b", "", false},
	} {
		c, err := choice.Parse(test.text)
		if err != nil {
			t.Errorf("Parse(%q): %v", test.text, err)
		}
		if got := c.Picks(test.place, hash(test.hex), test.name); got != test.want {
			t.Errorf("%q picks %+v: %v", test.text, test, got)
		}
	}
	for _, text := range []string{"@", "@x", "@-1", "@99999999999", "@sha256:x", "@" + hash("g").String()} {
		if _, err := choice.Parse(text); failure.ExitCode(err) != failure.ClassUsage.Exit {
			t.Errorf("Parse(%q) = %v, want a usage error", text, err)
		}
	}
}

// Each image is offered by its name, by its place if it has none, and with its digest where another one has the same name.
func TestOffers(t *testing.T) {
	offer := func(place int, image string, names ...string) choice.Offer {
		return choice.Offer{Place: place, Names: names, Image: image, Digest: func() string { return "sha256:" + image }}
	}
	for want, offers := range map[string]choice.Offers{
		`none`:                               nil,
		`":v1", ":@1"`:                       {offer(0, "a", "v1"), offer(1, "b", "")},
		`":@0 (sha256:a)", ":@1 (sha256:b)"`: {offer(0, "a", "v1"), offer(1, "b", "v1")},
		`":v1", ":v1"`:                       {offer(0, "a", "v1"), offer(1, "a", "v1")},
		`":@0", ":@1", ":@2", ":@3", ":@4" and 2 more`: {offer(0, "a"), offer(1, "b"), offer(2, "c"), offer(3, "d"), offer(4, "e"), offer(5, "f"), offer(6, "g")},
	} {
		if got := offers.String(); got != want {
			t.Errorf("the offers are %s, want %s", got, want)
		}
	}
}
