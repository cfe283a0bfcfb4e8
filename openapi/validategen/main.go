// Command validategen generates Go code that validates by an OpenAPI document: functions that check the bytes of bodies and
// parameters and decode them into the types of oapi-codegen, in one pass.
//
// In a project with models from oapi-codegen, with any options:
//
//	go run github.com/pfxrecryption/pfxrecryption/openapi/validategen \
//		-spec openapi.yaml -models ./api -package apivalid -o internal/apivalid
//
// Then apivalid.DecodePet(data, &pet) decodes data and returns its faults or nil, apivalid.DecodeListPetsParams does the
// same for path, query and header, and apivalid.AppendPet encodes. The generated package imports only the standard library,
// openapi/validate, the models, and the packages of their fields.
//
// It reads OpenAPI 3.0 and 3.1 with package spec. For common keywords it generates direct code. A schema with another
// keyword, such as oneOf, not or uniqueItems, is checked by package validate; valid values are then decoded by their shape:
// into oapi-codegen's unions, which keep the JSON, into any, or into structs by the exact names of members.
//
// # Parameters
//
// Parameters of every style are decoded, including cookies and parameters described by content. If all parameters of an
// operation are single strings, numbers or booleans, the code is direct. Otherwise package validate returns the values that
// it accepted, and the generated code decodes these: each value is read once, and the handler gets what was checked. A Go
// string holds the original text of a value of another type; oapi-codegen uses one for any content except application/json.
// An empty value that allowEmptyValue allows is "" for a string and absent for another type.
//
// The Go type of a path parameter with an inline schema is that in the ServerInterface or ClientInterface of the models.
// Without them it is oapi-codegen's type for the type and format.
//
// # Bodies
//
// DecodeContent of package validate decodes JSON and application/x-www-form-urlencoded. Other bodies are only checked.
//
// # Numbers
//
// The schema decides whether a body is valid, and CheckContent gives the same verdict with and without generated code. A Go
// type may hold less than the schema allows: an int has 64 bits, but an integer without a bound or a format has any size.
// Decoding such a number yields the fault "format", and the faults are Undecodable. An integer is never rounded, truncated
// or wrapped around. To hold larger numbers, use the Go type [encoding/json.Number] or [math/big.Int] (4096 digits), or set
// a maximum in the document. A float32 rounds; validategen reports each one whose format is not float. In a value of type
// any, numbers that float64 would round are json.Number. The code does not compile for 32-bit machines.
//
// # Servers
//
// -server generates another package. Its function New makes an [net/http.Handler] from an implementation of oapi-codegen's
// StrictServerInterface. Only generated code reads parameters and bodies; package server/strict does the rest, behind
// net/http, echo or chi. oapi-codegen needs only the option strict-server and the server of any router based on net/http;
// its code for the router is not used.
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
// If the contract accepts a value that its Go type cannot hold, the decoder returns faults that are Undecodable; the verdict
// is still the contract's. Examples are an integer beyond int, or a string where the schema has no type and its model is a
// struct. validategen reports such models on standard error.
//
// If oapi-codegen gives two parts of a document the same name, its code does not compile, or it ends with an error. Use
// resolve-type-name-collisions in its output-options, or x-go-name, which validategen honours, too.
//
// A member that may be absent or null needs a Go type with three states: nullable.Nullable, which oapi-codegen generates
// with nullable-type: true, or one like edm.Optional. Otherwise validategen fails and lists all such places, like other
// places that it cannot generate code for. -skip-unsupported leaves out their operations and generates the others.
// validategen reports unknown parts of the document, which are not checked, on standard error. It never fills in defaults.
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

// run returns the exit code: 0 for success, 1 for a document that cannot be generated or another failure, 2 for a usage
// error.
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
	// server is the folder of the handler, api the package of its interface; "" for none.
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
	f.StringVar(&o.server, "server", "", "the folder for the HTTP handler, which decodes requests for oapi-codegen's StrictServerInterface; empty for none")
	f.StringVar(&o.api, "interface", "", "the package of StrictServerInterface; by default that of the models")
	f.Func("type", "`schema=GoType`: the Go type of a named schema, if it differs from the schema's name (repeatable)", func(v string) error {
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
	f.BoolVar(&o.skip, "skip-unsupported", false, "leave out the operations that cannot be generated; the server of -server returns 501 for them")
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

// folderPattern converts a folder to the form of package packages; an import path is unchanged.
func folderPattern(pattern string) string {
	if info, err := os.Stat(pattern); err == nil && info.IsDir() && !filepath.IsAbs(pattern) {
		return "./" + filepath.ToSlash(filepath.Clean(pattern))
	}
	return pattern
}

// packageNameOf returns the name for the package in a folder.
func packageNameOf(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	name := strings.ToLower(filepath.Base(dir))
	if err == nil && !token.IsIdentifier(name) {
		err = fmt.Errorf("-server: %q cannot name a package of Go: choose a folder whose name has letters and digits only", name)
	}
	return name, err
}
