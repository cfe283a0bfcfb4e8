package ecma_test

import (
	"errors"
	"fmt"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate/ecma"
)

func Example() {
	p, err := ecma.Compile(`^(?=.*\d)(?!.*\s)\p{L}[^]{3,}$`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.MatchString("été 24"), p.MatchString("été24"))
	// Output: false true
}

func ExampleUnsupported() {
	_, err := ecma.Compile(`^\p{Emoji}$`)
	var unsupported *ecma.Unsupported
	fmt.Println(errors.As(err, &unsupported), unsupported.Reason)
	_, err = ecma.Compile(`(?i)yes`)
	fmt.Println(err)
	// Output:
	// true the tables of \p{Emoji} are not at hand
	// pattern "(?i)yes", byte 1: invalid group
}
