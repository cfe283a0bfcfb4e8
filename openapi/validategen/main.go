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
// -server writes a further package, whose function New makes an [net/http.Handler] of an implementation of oapi-codegen's
// StrictServerInterface: parameters and bodies are read by generated code alone, and package server/strict does the rest, behind
// net/http, echo or chi. oapi-codegen needs no template and no option but strict-server, and the server of any router that is
// net/http's: what it writes for the router is not used.
//
//	go run github.com/pfxrecryption/pfxrecryption/openapi/validategen \
//		-spec openapi.yaml -models ./api -package apivalid -o ./apivalid -server ./apiserver
//
//	handler, err := apiserver.New(implementation, strict.Config{})
//
// -interface names the package of StrictServerInterface if it is not that of the models.
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
	"cmp"
	"errors"
	"flag"
	"fmt"
	"go/token"
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
	// server is the folder of the handler, api the package of the interface that it serves; "" for none.
	server, api string
	types       map[string]string
	ignored     []string
	skip        bool
}

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{types: map[string]string{}}
	f := flag.NewFlagSet("validategen", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.spec, "spec", "", "the OpenAPI document, YAML or JSON")
	f.StringVar(&o.models, "models", "", "the package of oapi-codegen's models: a folder such as ./api, or an import path")
	f.StringVar(&o.packageName, "package", "", "the name of the package to write")
	f.StringVar(&o.dir, "o", "", "the folder to write it to")
	f.StringVar(&o.server, "server", "", "the folder to write the HTTP handler to, which decodes requests for oapi-codegen's StrictServerInterface; empty writes none")
	f.StringVar(&o.api, "interface", "", "the package of StrictServerInterface; empty means that of the models")
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
	for _, other := range []string{o.dir, o.models, o.api} {
		if o.server != "" && filepath.Clean(o.server) == filepath.Clean(other) {
			return nil, fmt.Errorf("-server: the folder %s holds another package: choose one for the handler alone", o.server)
		}
	}
	return o, nil
}

func (o *options) generate(stderr io.Writer) error {
	spec, err := os.ReadFile(o.spec)
	if err != nil {
		return err
	}
	c := config{packageName: o.packageName, spec: spec, folder: filepath.Dir(o.spec), name: filepath.Base(o.spec), ignored: o.ignored, skip: o.skip}
	if err := o.load(&c); err != nil {
		return err
	}
	r, err := generate(c)
	if err != nil {
		return fmt.Errorf("%s: %w", o.spec, err)
	}
	for _, note := range r.notes {
		fmt.Fprintf(stderr, "validategen: %s: %s\n", o.spec, note)
	}
	if o.server != "" {
		if err := writeFiles(o.server, r.server); err != nil {
			return err
		}
	}
	return writeFiles(o.dir, r.files)
}

// load loads the models, and the interface that is served.
func (o *options) load(c *config) error {
	patterns := []string{folderPattern(o.models)}
	if o.server != "" {
		patterns = append(patterns, folderPattern(cmp.Or(o.api, o.models)))
	}
	pkgs, err := loadPackages(patterns...)
	if err != nil {
		return err
	}
	c.models = newModels(pkgs[0], o.types)
	if o.server == "" {
		return nil
	}
	if c.server, err = newServer(pkgs[1]); err != nil {
		return err
	}
	if c.server.valid, err = importPath(o.dir); err != nil {
		return err
	}
	c.server.name, err = packageNameOf(o.server)
	return err
}

// folderPattern returns what package packages calls a folder, and an import path as it is.
func folderPattern(pattern string) string {
	if info, err := os.Stat(pattern); err == nil && info.IsDir() && !filepath.IsAbs(pattern) {
		return "./" + filepath.ToSlash(filepath.Clean(pattern))
	}
	return pattern
}

// packageNameOf names a package after its folder.
func packageNameOf(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	name := strings.ToLower(filepath.Base(dir))
	if err == nil && !token.IsIdentifier(name) {
		err = fmt.Errorf("-server: %q cannot name a package of Go: choose a folder whose name has letters and digits only", name)
	}
	return name, err
}
