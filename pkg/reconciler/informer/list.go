package informer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kjson "sigs.k8s.io/json"
)

// list reads the answer item by item. The API server sends it whole where it answers from its watch cache, whatever limit is
// asked for, and client-go would decode it whole. That it streams lists instead is client-go's choice, and not every server's.
func list[T any, P Object[T]](ctx context.Context, r Resource, options metav1.ListOptions, keep func(P) (P, bool)) (runtime.Object, error) {
	body, err := r.get(&options).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	all := &metav1.List{}
	each := func(item json.RawMessage) error {
		object := P(new(T))
		if err := decode(item, object); err != nil {
			return err
		}
		if kept, ok := keep(object); ok {
			all.Items = append(all.Items, runtime.RawExtension{Object: kept})
		}
		return nil
	}
	if err := readList(body, &all.ListMeta, each); err != nil {
		return nil, fmt.Errorf("listing %s: %w", r.Name, err)
	}
	return all, nil
}

// decode decodes as client-go does: unlike encoding/json it tells apart names that differ in case.
func decode(data []byte, into any) error { return kjson.UnmarshalCaseSensitivePreserveInts(data, into) }

// readList reads a list, of which it holds one item at a time.
func readList(body io.Reader, meta *metav1.ListMeta, each func(json.RawMessage) error) error {
	decoder := json.NewDecoder(body)
	if err := expect(decoder, json.Delim('{')); err != nil {
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		if name == "items" {
			err = readItems(decoder, each)
		} else {
			var value json.RawMessage
			if err = decoder.Decode(&value); err == nil && name == "metadata" {
				err = decode(value, meta)
			}
		}
		if err != nil {
			return err
		}
	}
	// A connection that broke must not look like a list that is over: what it lacks would be taken for deleted.
	return expect(decoder, json.Delim('}'))
}

func readItems(decoder *json.Decoder, each func(json.RawMessage) error) error {
	start, err := decoder.Token()
	if err != nil || start == nil { // An empty list may be null.
		return err
	}
	if start != json.Delim('[') {
		return errors.New("items are not a list")
	}
	for decoder.More() {
		var item json.RawMessage
		if err := decoder.Decode(&item); err != nil {
			return err
		}
		if err := each(item); err != nil {
			return err
		}
	}
	return expect(decoder, json.Delim(']'))
}

func expect(decoder *json.Decoder, want json.Delim) error {
	switch got, err := decoder.Token(); {
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	case got != want:
		return fmt.Errorf("%v where %v is due", got, want)
	}
	return nil
}
