package overlay

//lint:file-ignore SA1019 kustomize still reads the fields that it calls deprecated, and an overlay may have them.

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"

	"sigs.k8s.io/kustomize/api/types"
)

// follow copies what the kustomization name refers to.
func (s *stage) follow(name string, data []byte) error {
	var k types.Kustomization
	// kustomize's own reader: it takes names of fields in any case, for one.
	if err := k.Unmarshal(data); err != nil {
		return refuse(ReasonRender, "correct the field there", "reading %q: %v", name, err)
	}
	k.FixKustomization()
	dir := path.Dir(name)
	if err := s.rewrite(name, k, s.revise[dir]); err != nil {
		return err
	}
	references, err := localReferences(&k)
	if err != nil {
		return err
	}
	for _, reference := range references {
		target := path.Join(dir, reference)
		mode, err := lstat(s.tree, target)
		if refusal := (*Refusal)(nil); errors.As(err, &refusal) && refusal.Reason == ReasonMissing {
			return refuse(ReasonMissing, "add it, or take it out of "+name, "%q, to which %q refers, does not exist", target, name)
		}
		if err != nil {
			return err
		}
		if !mode.IsDir() {
			continue // It is in a directory that is copied, or kustomize refuses it.
		}
		if err := s.addRoot(target); err != nil {
			return err
		}
	}
	return nil
}

// rewrite writes the kustomization as revise changes it, and commonLabels as labels, as `kustomize edit fix` does: else
// kustomize warns, each time, that this field of the contract is deprecated.
func (s *stage) rewrite(name string, k types.Kustomization, revise func(*types.Kustomization)) error {
	if len(k.CommonLabels) == 0 && revise == nil {
		return nil
	}
	if len(k.CommonLabels) > 0 {
		k.Labels = append(k.Labels, types.Label{Pairs: k.CommonLabels, IncludeSelectors: true})
		k.CommonLabels = nil
	}
	if revise != nil {
		revise(&k)
	}
	data, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("rewriting %q: %w", name, err)
	}
	return s.write(name, data)
}
