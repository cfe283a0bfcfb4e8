package spec_test

import (
	"context"
	"fmt"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
)

func ExampleLoad() {
	document, err := spec.Load(context.Background(), []byte(`
openapi: 3.0.3
info: {title: Pets, version: '1'}
paths:
  /pets:
    post:
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [name]
              properties:
                name: {type: string, maxLength: 5}
                tag: {type: string, pattern: '('}
`), spec.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, spot := range document.Spots {
		fmt.Println("cannot be checked:", spot.Pointer)
	}
	operation := document.Operations[0]
	faults := operation.Request[0].Schema.Check(context.Background(), []byte(`{"name": "Lucifer"}`))
	for _, fault := range faults.List {
		fmt.Println(operation.ID, fault.Pointer, fault.Keyword)
	}
	// Output:
	// cannot be checked: /paths/~1pets/post/requestBody/content/application~1json/schema/properties/tag/pattern
	// POST /pets /name maxLength
}
