package choice

import (
	"cmp"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// maxOthers is how many bytes the manifests beside the chosen one may have together: its referrers are looked for in them.
const maxOthers = 64 << 20

// maxSkippedTold is how many manifests are told that cannot be read.
const maxSkippedTold = 5

// MaxManifests is how many manifests an image may have, its index and referrers included.
const MaxManifests = 500

// Selection is what an index.json offers to push.
type Selection struct {
	// Image is the manifest or index that was picked.
	Image v1.Descriptor
	// Referrers are the manifests beside it that have a subject.
	Referrers []Referrer
	// Skipped are the first few manifests that may be referrers and cannot be read, each with the reason.
	Skipped []error
}

// Referrer is a manifest with a subject.
type Referrer struct {
	v1.Descriptor
	Subject v1.Hash
}

// selector picks an image from an index.json.
type selector struct {
	// from is the file, for errors.
	from    string
	choice  Choice
	entries []document.Descriptor
	// broken are the errors of the entries that cannot be read, by their places.
	broken map[int]error
	// read reads a manifest of the layout.
	read func(v1.Descriptor) ([]byte, error)
	// selection is the outcome.
	selection Selection
}

// Select picks the image that ref names in an index.json, or the only one. Other entries are only looked at for whether
// they are its referrers: manifests with a subject. from is the file, for errors; read reads a manifest of the layout.
func Select(index []byte, ref, from string, read func(v1.Descriptor) ([]byte, error)) (*Selection, error) {
	picked, err := Parse(ref)
	if err != nil {
		return nil, err
	}
	s := &selector{from: from, choice: picked, read: read}
	if err := s.readEntries(index); err != nil {
		return nil, err
	}
	if ref == "" && len(s.entries) > MaxManifests {
		return nil, failure.Refused("%q names %d manifests, at most %d are taken without a choice", from, len(s.entries), MaxManifests).Then(HowToChoose)
	}
	matching := s.matching()
	if err := s.findReferrers(matching); err != nil {
		return nil, err
	}
	at, err := s.pick(matching)
	if err != nil {
		return nil, err
	}
	if s.selection.Image, err = s.describe(at); err != nil {
		return nil, err
	}
	return &s.selection, nil
}

// readEntries reads the entries one by one: one that cannot be read is left out with a warning if another one is chosen.
func (s *selector) readEntries(index []byte) error {
	what := fmt.Sprintf("%q is not an index", s.from)
	var doc struct {
		ArtifactType  strict.Unread  `json:"artifactType"`
		SchemaVersion strict.Unread  `json:"schemaVersion"`
		MediaType     strict.Unread  `json:"mediaType"`
		Config        strict.Unread  `json:"config"`
		Layers        strict.Unread  `json:"layers"`
		Subject       strict.Unread  `json:"subject"`
		Annotations   strict.Unread  `json:"annotations"`
		Manifests     []strict.Later `json:"manifests"`
	}
	if err := strict.Decode(index, &doc, what); err != nil {
		return err
	}
	s.entries, s.broken = make([]document.Descriptor, len(doc.Manifests)), map[int]error{}
	for at, entry := range doc.Manifests {
		err := strict.Decode(entry, &s.entries[at], fmt.Sprintf("%s: its entry %d", what, at))
		switch {
		case err == nil:
			continue
		case s.choice.Text == "" || s.choice.Place == at:
			return err
		case len(s.selection.Skipped) < maxSkippedTold:
			s.selection.Skipped = append(s.selection.Skipped, err)
		}
		s.entries[at], s.broken[at] = document.Descriptor{}, err
	}
	return nil
}

// matching are the places of the entries that the choice picks, each manifest once. Without a choice that is all of them; an
// index.json may also name what is no manifest (OCI image spec v1.1, image-index.md), and that is left out where there is one.
func (s *selector) matching() []int {
	var manifests, others []int
	seen := map[document.Digest]bool{}
	for at, entry := range s.entries {
		if s.broken[at] != nil || seen[entry.Digest] || !s.choice.Picks(at, entry.Digest.Hash, entry.Annotations.RefName) {
			continue
		}
		seen[entry.Digest] = true
		if document.IsManifest(entry.MediaType) || entry.MediaType == "" {
			manifests = append(manifests, at)
		} else {
			others = append(others, at)
		}
	}
	if len(manifests) == 0 {
		return others
	}
	return manifests
}

// findReferrers reads the manifests beside the only one that the choice picks. With several to choose from it reads these, too.
func (s *selector) findReferrers(matching []int) error {
	var bytes int64
	seen := map[document.Digest]bool{}
	if len(matching) == 1 {
		seen[s.entries[matching[0]].Digest] = true
	}
	for at, entry := range s.entries {
		if s.broken[at] != nil || seen[entry.Digest] || !document.IsManifest(entry.MediaType) && entry.MediaType != "" {
			continue
		}
		seen[entry.Digest] = true
		if bytes += max(0, min(entry.Size, registry.MaxManifest)); bytes > maxOthers {
			return failure.Refused("%q names manifests with more than %d bytes together", s.from, maxOthers).Then("split the layout: one image in each")
		}
		if err := s.addReferrer(entry); err != nil && len(s.selection.Skipped) < maxSkippedTold {
			s.selection.Skipped = append(s.selection.Skipped, err)
		}
	}
	return nil
}

// addReferrer reads one manifest and keeps it if it has a subject.
func (s *selector) addReferrer(entry document.Descriptor) error {
	if err := entry.Check(); err != nil {
		return err
	}
	body, err := s.read(entry.Content())
	if err != nil {
		return err
	}
	var o document.Outline
	if err := strict.Decode(body, &o, fmt.Sprintf("manifest %q is not one", entry.Digest)); err != nil || o.Subject == nil {
		return err
	}
	d := entry.Content()
	d.MediaType = cmp.Or(d.MediaType, o.Guess())
	s.selection.Referrers = append(s.selection.Referrers, Referrer{d, o.Subject.Digest.Hash})
	return nil
}

// pick is the place of the one entry that is meant: among several that of the only image, which has no subject.
func (s *selector) pick(matching []int) (int, error) {
	images := matching
	if s.choice.Text == "" && len(matching) > 1 {
		images = nil
		for _, at := range matching {
			if !s.isReferrer(at) {
				images = append(images, at)
			}
		}
		if len(images) == 0 {
			return 0, failure.Refused("%q has %d artifacts with a subject and no image: %s", s.from, len(matching), s.offers(matching)).Then(HowToChoose)
		}
	}
	switch {
	case len(images) == 1:
		return images[0], nil
	case len(images) > 1 && s.choice.Text != "":
		return 0, failure.Refused("%q has %d images named %q: %s", s.from, len(images), s.choice.Text, s.offers(images)).Then(ChooseByPlace)
	case len(images) > 1:
		return 0, failure.Refused("%q has %d images: %s", s.from, len(images), s.offers(images)).Then(HowToChoose)
	case s.choice.Text == "":
		return 0, failure.Missing(nil, "%q has no image", s.from).Then("let the build write its image into the layout")
	}
	var all []int
	for at := range s.entries {
		if err := s.broken[at]; err != nil {
			// It may be the one that is meant.
			return 0, err
		}
		all = append(all, at)
	}
	return 0, failure.Missing(nil, "%q has no image named %q: it has %s", s.from, s.choice.Text, s.offers(all)).Then(HowToChoose)
}

// isReferrer reports whether the entry at a place has a subject.
func (s *selector) isReferrer(at int) bool {
	for _, other := range s.selection.Referrers {
		if other.Digest == s.entries[at].Digest.Hash {
			return true
		}
	}
	return false
}

// offers are how the entries at the given places can be chosen.
func (s *selector) offers(places []int) Offers {
	var all Offers
	for _, at := range places {
		entry := s.entries[at]
		all = append(all, Offer{Place: at, Names: []string{entry.Annotations.RefName}, Image: entry.Digest.Written(), Digest: entry.Digest.Written})
	}
	return all
}

// describe is what there is to fetch of the entry at a place. One without a media type has that of its manifest.
func (s *selector) describe(at int) (v1.Descriptor, error) {
	entry := s.entries[at]
	if text := entry.Digest.Text; text != "" && !document.OtherAlgorithm.MatchString(text) {
		return v1.Descriptor{}, failure.Corrupt("%q is not an index: the digest %q in it is malformed", s.from, text)
	}
	if err := entry.Check(); err != nil {
		return v1.Descriptor{}, failure.Within(fmt.Sprintf("%q", s.from), err)
	}
	d := entry.Content()
	if d.MediaType == "" {
		body, err := s.read(d)
		if err != nil {
			return v1.Descriptor{}, err
		}
		d.MediaType = document.GuessMediaType(body)
	}
	return d, nil
}
