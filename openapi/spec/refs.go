package spec

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
)

const (
	maxFiles     = 1000
	maxFileBytes = 64 << 20 // all files together
)

// folderScheme is the URI scheme of files, whose path is relative to the folder. No document can use it.
const folderScheme = "x-folder"

// library has the files of a document, and the schemas in them that have their own URIs.
type library struct {
	root      *source
	folder    string
	files     map[string]*source // by path
	names     []string           // the files that were read, in order
	failed    map[string]error   // by path
	bytes     int
	budget    *budget // shared by the files other than the document
	order     int
	opened    func(root *node) // called for each file
	schemas31 bool             // $id and anchors apply

	resources map[string]*node // by URI
	bases     map[*node]*url.URL
	anchors   map[anchor]*node
	dynamic   map[*node][]dynamicAnchor // by the root of the resource
	places    map[string][]*node        // dynamic anchors by name
	followed  map[reference]target
}

// anchor is a name within a resource.
type anchor struct {
	resource *node
	name     string
}

type dynamicAnchor struct {
	name string
	node *node
}

type reference struct {
	resource *node
	text     string
}

type target struct {
	node *node
	err  error
}

// file adds a file to the library.
func (l *library) file(s *source) {
	s.root.source = s
	l.files[s.path] = s
	l.number(s.root)
	l.bases[s.root] = &url.URL{Scheme: folderScheme, Path: "/" + s.path}
	if l.schemas31 {
		l.identifyAll(s.root)
	}
}

// number numbers the nodes in document order.
func (l *library) number(n *node) {
	l.order++
	n.order = l.order
	for _, item := range n.items {
		l.number(item)
	}
}

// resource returns the root of the schema resource or file of n.
func (l *library) resource(n *node) *node {
	for n.parent != nil {
		if l.bases[n] != nil {
			return n
		}
		n = n.parent
	}
	return n
}

// follow returns the target of a reference at n.
func (l *library) follow(n *node, text string) (*node, error) {
	key := reference{l.resource(n), text}
	t, ok := l.followed[key]
	if !ok {
		t.node, t.err = l.find(key)
		l.followed[key] = t
	}
	return t.node, t.err
}

var errNowhere = errors.New("leads nowhere")

func (l *library) find(r reference) (*node, error) {
	ref, err := url.Parse(r.text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a reference", r.text)
	}
	root, err := l.container(r, ref)
	if err != nil {
		return nil, err
	}
	to := root.lookup(ref.Fragment)
	if to == nil && strings.HasPrefix(r.text, "#/") {
		// A schema with an $id is its own resource (JSON Schema Core §8.2.1), but a reference to components means the file.
		to = root.root().lookup(ref.Fragment)
	}
	if ref.Fragment != "" && ref.Fragment[0] != '/' {
		to = l.anchors[anchor{root, ref.Fragment}]
	}
	if to == nil {
		return nil, fmt.Errorf("%q %w", r.text, errNowhere)
	}
	return to, nil
}

// container returns the resource or file that a reference names without its fragment.
func (l *library) container(r reference, ref *url.URL) (*node, error) {
	if ref.Scheme == "" && ref.Host == "" && ref.Path == "" && ref.RawQuery == "" {
		return r.resource, nil
	}
	base := l.bases[r.resource]
	uri := *base.ResolveReference(ref)
	uri.Fragment, uri.RawFragment = "", ""
	if root := l.resources[uri.String()]; root != nil {
		return root, nil
	}
	if ref.Scheme != "" || uri.Scheme != folderScheme || uri.Host != "" {
		return nil, fmt.Errorf("%q leads out of the document", r.text)
	}
	name := path.Join(path.Dir(strings.TrimPrefix(base.Path, "/")), ref.Path)
	if path.IsAbs(ref.Path) || name == ".." || strings.HasPrefix(name, "../") || ref.RawQuery != "" {
		return nil, fmt.Errorf("%q leads out of the document's folder", r.text)
	}
	s, err := l.open(name)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", r.text, err)
	}
	return s.root, nil
}

// open reads the file with a path below the folder.
func (l *library) open(name string) (*source, error) {
	if s := l.files[name]; s != nil {
		return s, nil
	}
	if err := l.failed[name]; err != nil {
		return nil, err
	}
	s, err := l.read(name)
	if err != nil {
		l.failed[name] = err
		return nil, err
	}
	l.file(s)
	l.names = append(l.names, name)
	l.opened(s.root)
	return s, nil
}

func (l *library) read(name string) (*source, error) {
	if l.folder == "" {
		return nil, errors.New("leads out of the document, which has no folder to read other files from")
	}
	if len(l.files) > maxFiles {
		return nil, fmt.Errorf("the document has more than %d files", maxFiles)
	}
	data, err := readBelow(l.folder, name, maxFileBytes-l.bytes)
	if err != nil {
		return nil, err
	}
	l.bytes += len(data)
	root, err := l.budget.parse(data)
	if err != nil {
		return nil, err
	}
	return &source{name: name, path: name, root: root}, nil
}

// readBelow reads a file in a folder. Symbolic links cannot lead out of the folder.
func readBelow(folder, name string, limit int) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // it was only read
	f, err := root.Open(name)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("is not a file")
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, cause(err)
	}
	if len(data) > limit {
		return nil, fmt.Errorf("the files of the document are larger than %d bytes", maxFileBytes)
	}
	return data, nil
}

// cause returns the error without the path of the folder, which clients must not see.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// resolve follows $ref to its end. It is for everything except schemas.
func (l *library) resolve(n *node) (*node, error) {
	for seen := []*node(nil); ; {
		ref := n.get("$ref")
		if !ref.is(textKind) {
			return n, nil
		}
		if slices.Contains(seen, n) || len(seen) > maxNesting {
			return nil, errors.New("leads back to itself")
		}
		seen = append(seen, n)
		to, err := l.follow(n, ref.text)
		if err != nil {
			return nil, err
		}
		n = to
	}
}
