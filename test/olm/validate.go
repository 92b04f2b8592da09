package main

import (
	"fmt"

	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/validation"
	validators "github.com/operator-framework/api/pkg/validation/interfaces"
)

// all is what operator-sdk bundle validate runs by itself, and what it runs with --select-optional name=good-practices and
// suite=operatorframework. They are the same code.
var all = append(validators.Validators{
	validation.GoodPracticesValidator, validation.ObjectValidator, validation.OperatorHubV2Validator,
	validation.StandardCapabilitiesValidator, validation.StandardCategoriesValidator, validation.AlphaDeprecatedAPIsValidator,
}, validation.DefaultBundleValidators...)

// validate returns what the validators have against the bundle in dir: errors and warnings alike. The error is of a directory that
// is no bundle.
func validate(dir string) (against []string, err error) {
	bundle, err := manifests.GetBundleFromDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the bundle in %q: %w", dir, err)
	}
	objects := []any{bundle, bundle.CSV}
	for _, object := range bundle.Objects {
		objects = append(objects, object)
	}
	for _, result := range all.Validate(objects...) {
		for _, e := range append(result.Errors, result.Warnings...) {
			against = append(against, e.Error())
		}
	}
	return against, nil
}
