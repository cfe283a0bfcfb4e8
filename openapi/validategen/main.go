// Command validategen writes the validation of an OpenAPI document as Go code: functions that check the bytes of
// bodies and parameters against the document and decode them into the types of oapi-codegen, in one pass.
//
// In a project that has its models from oapi-codegen, with whatever options:
//
//	go run github.com/pfxrecryption/pfxrecryption/openapi/validategen \
//		-spec openapi.yaml -models ./api -package apivalid -o internal/apivalid
//
// Then apivalid.DecodePet(data, &pet) is nil or says what is wrong with data, apivalid.DecodeListPetsParams does the
// same for path, query and header, and apivalid.AppendPet encodes. The package imports the standard library, openapi/validate,
// the models and what their fields need, nothing else.
//
// It reads OpenAPI 3.0 and 3.1, by package spec. For what most schemas say it writes straight code; a schema with a further
// keyword, such as oneOf, not or uniqueItems, is judged by package validate, and what is valid is decoded by its shape: into
// the unions of oapi-codegen, which keep the JSON, into any, into structs by the exact names of members.
//
// # Parameters
//
// Parameters of every style are decoded, those in cookies and those described by content among them. An operation whose
// parameters are all one string, number or boolean has straight code. For others package validate returns the values that it
// found valid, and the generated code decodes these: a value is read once, and the handler gets what was checked. A Go string
// holds a value of another type as it was written; oapi-codegen has one for any content but application/json. An empty value
// that allowEmptyValue allows is "" for a string, and absent for another type.
//
// The Go type of a path parameter with an inline schema is the one in the ServerInterface or the ClientInterface of the
// models. Without them it is the one that oapi-codegen has for the type and the format.
//
// # Bodies
//
// DecodeContent of package validate decodes JSON and application/x-www-form-urlencoded. Other bodies are checked and not
// decoded.
//
// # Numbers
//
// The schema decides whether a body is valid, and CheckContent says the same in process and in generated code. A Go type may
// hold less than the schema allows: an int has 64 bits, where an integer without a bound or a format has any size. Decoding
// such a number has the fault "format", and the faults are Undecodable: an integer is never rounded, cut off or wrapped around.
// The cure is the Go type [encoding/json.Number] or [math/big.Int], which holds 4096 digits, or a maximum in the document. A
// float32 rounds; validategen names each one whose schema has another format than float. Where the Go type is any, numbers
// that float64 would round are json.Number. Code
// for machines of 32 bits does not compile.
//
// # Servers
//
// The folder templates of this package has templates for oapi-codegen with which the strict servers for echo, chi and
// net/http read parameters and bodies by generated code alone. Its runtime binds some values in other ways. For chi:
//
//	additional-imports:
//	  - { alias: valid, package: example.com/shop/apivalid }
//	  - { package: github.com/pfxrecryption/pfxrecryption/openapi/validate }
//	output-options:
//	  user-templates:
//	    chi/chi-middleware.tmpl: templates/http-middleware.tmpl
//	    strict/strict-http.tmpl: templates/strict-http.tmpl
//	    validategen/body.tmpl: templates/body.tmpl
//	    validategen/error.tmpl: templates/error.tmpl
//
// For net/http the first is stdhttp/std-http-middleware.tmpl; for echo they are echo/echo-wrappers.tmpl and
// strict/strict-echo.tmpl. The error of an invalid request is a *RequestError. Bodies are held in memory: limit their size with
// [net/http.MaxBytesHandler].
//
// # Errors
//
// Where the contract accepts a value that the Go type does not hold, such as an integer beyond int, or a string where the
// schema has no type and its model is a struct, what decodes it returns faults that are Undecodable: the verdict is the
// contract's in all cases. Which models are that narrow is said on the standard error.
//
// Where oapi-codegen gives two things of a document one name, what it writes does not compile, or it ends with an error.
// resolve-type-name-collisions in its output-options is a cure, and so is x-go-name, which validategen honours as well.
//
// A member that may be absent and may be null needs a Go type with three states: nullable.Nullable, which oapi-codegen
// writes with nullable-type: true, or one like edm.Optional. Without it, validategen ends with an error that lists all such
// places, as it does for other places that it cannot write. -skip-unsupported leaves out the operations with such places,
// and writes the others. What is unknown and not checked is said on the standard error. default is never filled in.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run is the command: 0 is success, 1 a document that cannot be honoured or another failure, 2 wrong usage.
func run(args []string, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "validategen:", err)
		return 2
	}
	if err := o.generate(stderr); err != nil {
		fmt.Fprintln(stderr, "validategen:", err)
		return 1
	}
	return 0
}

type options struct {
	spec, models, packageName, dir string
	types                          map[string]string
	ignored                        []string
	skip                           bool
}

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{types: map[string]string{}}
	f := flag.NewFlagSet("validategen", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.spec, "spec", "", "the OpenAPI document, YAML or JSON")
	f.StringVar(&o.models, "models", "", "the package of oapi-codegen's models: a folder such as ./api, or an import path")
	f.StringVar(&o.packageName, "package", "", "the name of the package to write")
	f.StringVar(&o.dir, "o", "", "the folder to write it to")
	f.Func("type", "`schema=GoType`: the Go type of a named schema, where its name does not tell (repeatable)", func(v string) error {
		name, goType, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("want schema=GoType")
		}
		o.types[name] = goType
		return nil
	})
	f.Func("ignore-extension", "an extension `x-name` that does not validate (repeatable)", func(v string) error {
		o.ignored = append(o.ignored, v)
		return nil
	})
	f.BoolVar(&o.skip, "skip-unsupported", false, "leave out the operations that cannot be written")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if o.spec == "" || o.models == "" || o.packageName == "" || o.dir == "" || f.NArg() > 0 {
		return nil, errors.New("-spec, -models, -package and -o are needed, and nothing else")
	}
	return o, nil
}

func (o *options) generate(stderr io.Writer) error {
	spec, err := os.ReadFile(o.spec)
	if err != nil {
		return err
	}
	pattern := o.models
	if info, err := os.Stat(pattern); err == nil && info.IsDir() && !filepath.IsAbs(pattern) {
		pattern = "./" + filepath.ToSlash(filepath.Clean(pattern))
	}
	m, err := loadModels(pattern, o.types)
	if err != nil {
		return err
	}
	r, err := generate(config{
		packageName: o.packageName, spec: spec, folder: filepath.Dir(o.spec), name: filepath.Base(o.spec), models: m, ignored: o.ignored, skip: o.skip,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", o.spec, err)
	}
	for _, note := range r.notes {
		fmt.Fprintf(stderr, "validategen: %s: %s\n", o.spec, note)
	}
	return writeFiles(o.dir, r.files)
}
