// Command validategen writes the validation of an OpenAPI 3.0 document as Go code: functions that check the bytes of
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
// A keyword that cannot be honoured is an error with its JSON Pointer into the document; nothing is dropped silently.
// Refused are oneOf, anyOf, not, discriminator, uniqueItems, enums of objects and arrays, parameters that are arrays or
// objects or stand in cookies, bodies other than JSON, references into other files, keywords that do not fit the type
// beside them, unknown formats, and unknown extensions. Extensions of generators and documentation (x-go-*,
// x-oapi-codegen-*, x-docs-*, x-order, x-omitempty, x-omitzero, x-enum-varnames and the like) are known not to validate;
// -ignore-extension names more. The extensions x-maxBytes, x-ignore-members and x-ignore-maxDepth and the formats
// edm-int32 and edm-datetimeoffset do validate. x-odata-option: true on a query parameter, whose name begins with $, lets
// requests write the name in any letter case and with or without the $. default is never filled in.
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
	if err := o.generate(); err != nil {
		fmt.Fprintln(stderr, "validategen:", err)
		return 1
	}
	return 0
}

type options struct {
	spec, models, packageName, dir string
	types                          map[string]string
	ignored                        []string
}

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{types: map[string]string{}}
	f := flag.NewFlagSet("validategen", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.spec, "spec", "", "the OpenAPI 3.0 document, YAML or JSON")
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
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if o.spec == "" || o.models == "" || o.packageName == "" || o.dir == "" || f.NArg() > 0 {
		return nil, errors.New("-spec, -models, -package and -o are needed, and nothing else")
	}
	return o, nil
}

func (o *options) generate() error {
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
	files, err := generate(config{packageName: o.packageName, spec: spec, models: m, ignored: o.ignored})
	if err != nil {
		return fmt.Errorf("%s: %w", o.spec, err)
	}
	return writeFiles(o.dir, files)
}
