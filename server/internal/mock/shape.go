package mock

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// shape is a collection of objects: a path with POST, and the same path followed by one parameter.
type shape struct {
	key    *validate.Parameter // the parameter that names an object
	member string              // that holds the key, or ""
	schema *validate.Schema    // of an object in a response
	tagged bool                // the document describes entity tags
}

// role is what an operation does with the objects of a collection.
type role int

const (
	creates role = iota
	lists
	reads
	replaces
	updates
	deletes
)

// collectionRoles and objectRoles are the roles of methods.
var (
	collectionRoles = map[string]role{http.MethodPost: creates, http.MethodGet: lists}
	objectRoles     = map[string]role{http.MethodGet: reads, http.MethodPut: replaces, http.MethodPatch: updates, http.MethodDelete: deletes}
)

// shape finds the collections of the document.
func (m *Mock) shape() {
	byPath := map[string]map[string]*operation{}
	var paths []string
	for _, op := range m.config.Document.Operations {
		if byPath[op.Path] == nil {
			byPath[op.Path] = map[string]*operation{}
			paths = append(paths, op.Path)
		}
		byPath[op.Path][op.Method] = m.operations[op.ID]
	}
	for _, path := range paths {
		collection, name, ok := splitKey(path)
		if create := byPath[collection][http.MethodPost]; !ok || create == nil || create.shape != nil {
			continue
		}
		if s := newShape(byPath[path][http.MethodGet], name); s != nil {
			s.assign(byPath[collection], collectionRoles)
			s.assign(byPath[path], objectRoles)
		}
	}
}

// splitKey splits a path template whose last segment is a single parameter.
func splitKey(path string) (collection, name string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 || !strings.HasPrefix(path[i+1:], "{") || strings.IndexByte(path[i:], '}') != len(path)-i-1 {
		return "", "", false
	}
	return path[:i], path[i+2 : len(path)-1], true
}

// newShape returns the shape of the objects that an operation reads, or nil if it reads none as JSON.
func newShape(read *operation, name string) *shape {
	if read == nil {
		return nil
	}
	s := &shape{}
	for _, p := range read.Parameters {
		if p.In == "path" && p.Name == name {
			s.key = p
		}
	}
	response, _, err := read.response(0)
	if err != nil || s.key == nil {
		return nil
	}
	for _, b := range response.Bodies {
		if validate.IsJSON(concrete(b.Type)) && b.Schema != nil && s.schema == nil {
			s.describe(b.Schema, name)
		}
	}
	if s.schema == nil {
		return nil
	}
	return s
}

// describe finds the schema of objects in that of a response: the whole, or a member of it that has the key.
func (s *shape) describe(whole *validate.Schema, name string) {
	s.schema = whole
	if s.member = keyMember(whole, name); s.member != "" {
		return
	}
	for _, p := range properties(whole) {
		if p.Schema == nil {
			continue
		}
		if member := keyMember(p.Schema, name); member != "" {
			s.schema, s.member = p.Schema, member
			return
		}
	}
}

// keyMember returns the member that holds the key: its name is that of the parameter, or id.
func keyMember(s *validate.Schema, name string) string {
	all := properties(s)
	for _, same := range []func(string) bool{
		func(member string) bool { return member == name },
		func(member string) bool { return member == "id" },
		func(member string) bool { return plainName(member) == plainName(name) },
	} {
		if i := slices.IndexFunc(all, func(p validate.Property) bool { return same(p.Name) }); i >= 0 {
			return all[i].Name
		}
	}
	return ""
}

// plainName returns a name in lower case without separators.
func plainName(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// properties returns the members that a schema describes, including those of its parts and alternatives, without duplicates.
func properties(s *validate.Schema) []validate.Property {
	var list []validate.Property
	seen := map[*validate.Schema]bool{nil: true}
	names := map[string]bool{}
	var visit func(s *validate.Schema)
	visit = func(s *validate.Schema) {
		if seen[s] {
			return
		}
		seen[s] = true
		for _, p := range s.Properties {
			if !names[p.Name] {
				names[p.Name] = true
				list = append(list, p)
			}
		}
		for _, part := range slices.Concat(s.AllOf, s.AnyOf, s.OneOf) {
			visit(part)
		}
	}
	visit(s)
	return list
}

// assign sets the roles of operations.
func (s *shape) assign(operations map[string]*operation, roles map[string]role) {
	for method, o := range operations {
		role, ok := roles[method]
		if !ok {
			continue
		}
		o.shape, o.role = s, role
		s.tagged = s.tagged || describesTags(o)
	}
}

// describesTags reports whether an operation uses entity tags, in a response or as a condition.
func describesTags(o *operation) bool {
	isCondition := func(p *validate.Parameter) bool { return p.In == "header" && strings.EqualFold(p.Name, "If-Match") }
	return slices.ContainsFunc(o.Parameters, isCondition) || slices.ContainsFunc(o.Responses, func(r *validate.Response) bool {
		return slices.ContainsFunc(r.Headers, func(h *validate.Parameter) bool { return strings.EqualFold(h.Name, "ETag") })
	})
}
