package main

import (
	"io"
	"path/filepath"

	"github.com/operator-framework/operator-registry/pkg/lib/bundle"
	"github.com/sirupsen/logrus"
)

// registry returns what the program that puts bundles into catalogs has against the one in dir: its format, and the kinds of its
// objects. That is the other half of operator-sdk bundle validate, and opm alpha bundle validate.
func registry(dir string) (against []string) {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	validator := bundle.NewImageValidator(nil, logger.WithField("bundle", dir))
	for _, err := range []error{validator.ValidateBundleFormat(dir), validator.ValidateBundleContent(filepath.Join(dir, "manifests"))} {
		if err != nil {
			against = append(against, err.Error())
		}
	}
	return against
}
