package spec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Document is the meaning of an OpenAPI document. It is immutable.
type Document struct {
	// Version is 3.0 or 3.1.
	Version string
	// BasePaths are the paths of the document's servers, longest first.
	BasePaths []validate.BasePath
	// Operations are in the document's order.
	Operations []*validate.Operation
	// Spots are the places that cannot be checked, without duplicates, in the document's order.
	Spots []validate.Spot
	// Warnings are the parts of the document that are not checked, in the document's order.
	Warnings []Warning
	// Files are the other files that were read, as paths below the folder.
	Files []string

	root       *node
	places     map[*validate.Operation]string
	components [2]map[string]*validate.Schema
	samples    samples
	steps      int
}

// Warning is a remark about a place of the document. It does not affect what is checked.
type Warning struct {
	Pointer string // JSON Pointer
	Text    string
}

// Options configure Load.
type Options struct {
	// Folder is the folder of the document. References can lead to files in it and below. If it is "", references to other
	// files cannot be checked.
	Folder string
	// Name is the name of the document's file in Folder, for references back to it.
	Name string
	// Consult adds mistakes that kin-openapi finds in parts that do not affect validation to the warnings. It about doubles
	// the time.
	Consult bool
	// IgnoredExtensions are extensions for which there is no warning, because they do not affect validation.
	IgnoredExtensions []string
	// Examples keeps the examples of the document; see [Document.BodyExamples].
	Examples bool
}

// Load reads an OpenAPI 3.0 or 3.1 document in YAML or JSON. It returns an error only for other input, or if ctx is done;
// what it cannot check is in Spots.
func Load(ctx context.Context, data []byte, o Options) (*Document, error) {
	type result struct {
		document *Document
		err      error
	}
	done := make(chan result, 1)
	go func() {
		d, err := read(ctx, data, o)
		done <- result{d, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err() // the goroutine ends soon
	case r := <-done:
		return r.document, r.err
	}
}

func read(ctx context.Context, data []byte, o Options) (*Document, error) {
	root, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	version, err := versionOf(root)
	if err != nil {
		return nil, err
	}
	l := newLoader(ctx, root, version, o)
	if err := l.read(); err != nil {
		return nil, err
	}
	if o.Consult {
		if err := l.consult(); err != nil {
			return nil, err
		}
	}
	return l.document(), nil
}

// consult adds the mistakes that kin-openapi finds, unless ctx is done first.
func (l *loader) consult() error {
	select {
	case <-l.ctx.Done():
		return l.ctx.Err()
	case said := <-consult(l.root):
		for _, text := range said {
			l.warn(l.root, "", text)
		}
	}
	return nil
}

func versionOf(root *node) (string, error) {
	if root.kind != objectKind {
		return "", errors.New("the document is not an object")
	}
	if root.has("swagger") {
		return "", fmt.Errorf("this is Swagger %s; convert it to OpenAPI 3 first", root.get("swagger").json())
	}
	text := root.get("openapi")
	if text == nil {
		return "", errors.New("the document has no member openapi")
	}
	for _, version := range []string{"3.0", "3.1"} {
		if text.text == version || strings.HasPrefix(text.text, version+".") {
			return version, checkKinds(root)
		}
	}
	return "", fmt.Errorf("the member openapi is %s; 3.0 and 3.1 are supported", text.json())
}

// checkKinds checks the types without which the document has no meaning.
func checkKinds(root *node) error {
	paths := root.get("paths")
	if paths != nil && paths.kind != objectKind {
		return errors.New("at /paths: paths is not an object")
	}
	for template, item := range paths.members() {
		if item.kind != objectKind && item.kind != nullKind && !strings.HasPrefix(template, "x-") {
			return fmt.Errorf("at %s: a path item is not an object", item.pointer())
		}
	}
	return nil
}

// loader reads a document.
type loader struct {
	*compiler
	ctx             context.Context
	options         Options
	root            *node
	version         string
	doc             *Document
	spots           []placed[validate.Spot]
	warnings        []placed[Warning]
	warned          map[string]bool
	ids             map[string]bool
	known           map[[2]string]bool // the operations by method and path, to find duplicates
	parts           int                // the number of parts of operations that were read
	everywhere      []validate.Alternative
	roots           []*validate.Schema
	bodies          []*validate.Body
	media           []mediaBody
	parameterPlaces map[*validate.Parameter]*node
	mediaPlaces     map[*validate.Body]*node // kept only for their examples
}

// maxParts limits how much references can multiply operations.
const maxParts = 1 << 20

// placed is a value with its place in the document.
type placed[T any] struct {
	order int
	value T
}

func newLoader(ctx context.Context, root *node, version string, o Options) *loader {
	name := path.Clean("/" + o.Name)[1:]
	if name == "" {
		name = "openapi"
	}
	files := &library{
		budget: newBudget(), folder: o.Folder, files: map[string]*source{}, failed: map[string]error{}, resources: map[string]*node{}, bases: map[*node]*url.URL{},
		anchors: map[anchor]*node{}, dynamic: map[*node][]dynamicAnchor{}, places: map[string][]*node{}, followed: map[reference]target{},
		schemas31: version == "3.1",
	}
	files.root = &source{path: name, root: root}
	files.file(files.root)
	l := &loader{
		ctx: ctx, options: o, root: root, version: version, warned: map[string]bool{}, ids: map[string]bool{}, known: map[[2]string]bool{},
		doc: &Document{Version: version, root: root, places: map[*validate.Operation]string{}}, parameterPlaces: map[*validate.Parameter]*node{},
		mediaPlaces: map[*validate.Body]*node{},
	}
	l.compiler = newCompiler(files, version == "3.1", l.warn)
	l.hiding = o.Folder != "" // other files may use readOnly or writeOnly
	l.ended = func() bool { return ctx.Err() != nil }
	files.opened = l.extensions
	if dialect := root.get("jsonSchemaDialect"); dialect != nil && !isDialect(dialect.string()) {
		l.dialect = dialect
	}
	return l
}

// warn adds a warning. Of the warnings with the same once it adds only the first.
func (l *loader) warn(n *node, once, text string) {
	if once != "" {
		if l.warned[once] {
			return
		}
		l.warned[once] = true
	}
	l.warnings = append(l.warnings, placed[Warning]{n.order, Warning{n.pointer(), text}})
}

func (l *loader) spot(n *node, format string, args ...any) validate.Spot {
	s := validate.Spot{Pointer: n.pointer(), Reason: fmt.Sprintf(format, args...)}
	l.spots = append(l.spots, placed[validate.Spot]{n.order, s})
	return s
}

func (l *loader) read() error {
	l.extensions(l.root)
	l.everywhere = l.alternatives(l.root.get("security"))
	l.doc.BasePaths = l.basePaths(l.root.get("servers"))
	if l.doc.BasePaths == nil {
		l.doc.BasePaths = []validate.BasePath{{}}
	}
	for template, item := range l.root.get("paths").members() {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		if !strings.HasPrefix(template, "x-") {
			l.path(template, item)
		}
		if l.parts > maxParts {
			return fmt.Errorf("the operations have more than %d parameters, security requirements and servers together", maxParts)
		}
	}
	l.finish()
	l.compiler.settle()
	for _, b := range l.media {
		l.supported(b)
	}
	l.texts()
	if l.options.Examples {
		l.sample()
	}
	l.judge()
	if err := l.ctx.Err(); err != nil {
		return err
	}
	if err := validate.Compile(append(l.roots, l.mapped()...)...); err != nil {
		return fmt.Errorf("compiling the schemas: %w", err)
	}
	return l.ctx.Err()
}

// judge records in bodies and parameters the places of their schemas that cannot be checked.
func (l *loader) judge() {
	all := Reached(l.roots...)
	l.named(all)
	d := doubts(all)
	d.soften(all)
	noted := map[*validate.Schema]bool{}
	spots := func(s *validate.Schema) []validate.Spot {
		var list []placed[validate.Spot]
		for _, bad := range d.below(s) {
			n := l.compiler.spots[bad]
			list = append(list, placed[validate.Spot]{n.order, validate.Spot{Pointer: n.pointer(), Reason: bad.Unjudged}})
			if !noted[bad] {
				noted[bad] = true
				l.spots = append(l.spots, list[len(list)-1])
			}
		}
		return ordered(list)
	}
	for _, b := range l.bodies {
		b.Spots = append(b.Spots, spots(b.Schema)...)
	}
	for p := range l.parametersAndHeaders() {
		if list := spots(p.Schema); len(list) > 0 && p.Spot == nil {
			p.Spot = &list[0]
		}
	}
	for _, b := range l.media {
		for _, h := range b.headers {
			if h.Spot != nil {
				b.Spots = append(b.Spots, *h.Spot)
			}
		}
	}
}

// named collects the schemas of components. One that is only merged into others is not compiled.
func (l *loader) named(all []*validate.Schema) {
	own := make(map[*validate.Schema]bool, len(all))
	for _, s := range all {
		own[s] = true
	}
	l.doc.components[Request] = map[string]*validate.Schema{}
	if l.doc.components[Response] = l.doc.components[Request]; l.hiding {
		l.doc.components[Response] = map[string]*validate.Schema{}
	}
	for k, e := range l.entries {
		plain := own[e.schema] && k.drop == "" && k.open == "" && !k.bare && k.direction <= Response
		if plain && e.schema.Name != "" {
			l.doc.components[k.direction][e.schema.Name] = e.schema
		}
	}
}

// ordered returns the values in document order, without duplicates.
func ordered[T comparable](list []placed[T]) []T {
	slices.SortStableFunc(list, func(a, b placed[T]) int { return cmp.Compare(a.order, b.order) })
	seen := map[T]bool{}
	var values []T
	for _, p := range list {
		if !seen[p.value] {
			seen[p.value] = true
			values = append(values, p.value)
		}
	}
	return values
}

func (l *loader) document() *Document {
	l.doc.Spots, l.doc.Warnings = ordered(l.spots), ordered(l.warnings)
	l.doc.Files = l.names
	l.doc.steps = l.steps
	return l.doc
}

// Pointer returns the JSON Pointer of an operation.
func (d *Document) Pointer(o *validate.Operation) string { return d.places[o] }

// Component returns the schema of a component in a direction; nil if no operation uses it, or if it is only merged into the
// allOf of others.
func (d *Document) Component(name string, direction Direction) *validate.Schema {
	if direction > Response {
		return nil
	}
	return d.components[direction][name]
}

// JSON returns the value at a JSON Pointer of the document, without white space. It is for what does not affect validation,
// such as extensions of a generator. It reports false if there is no value.
func (d *Document) JSON(pointer string) (string, bool) {
	n := d.root.lookup(pointer)
	if n == nil {
		return "", false
	}
	return n.json(), true
}
