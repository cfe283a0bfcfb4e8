package gateway

import (
	"context"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// maxBody is the default for the largest request body, in bytes, if the contract is an OpenAPI document.
const maxBody = 1 << 20

// FromDocument returns the contract of an OpenAPI document, and adds to d.Spots what the gateway cannot judge.
func FromDocument(d *spec.Document) *Contract {
	for _, op := range d.Operations {
		d.Spots = addSpot(d.Spots, op)
	}
	return &Contract{BasePaths: d.BasePaths, Operations: d.Operations, MaxBody: maxBody, Words: graph.Words{}}
}

// Read returns the contract of the OpenAPI document in data, and the document. It stops when ctx is done.
func Read(ctx context.Context, data []byte, o spec.Options) (*Contract, *spec.Document, error) {
	d, err := spec.Load(ctx, data, o)
	if err != nil {
		return nil, nil, err
	}
	return FromDocument(d), d, nil
}
