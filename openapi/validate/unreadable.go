package validate

import "strings"

// Unreadable says why the values of a parameter have no text that could be judged; "" if they have one. OpenAPI has none for
// structures within a value, but in a deepObject, and where several members would have to be told apart in one text.
func (p *Parameter) Unreadable() string {
	s := shapeOf(p.Schema)
	switch {
	case p.Content != "":
		if !IsJSON(p.Content) && !strings.HasPrefix(p.Content, "text/") {
			return "a parameter of the media type " + p.Content + " is not read"
		}
	case p.Style == "deepObject":
	case p.In == "cookie" && p.Explode && s.must(Object):
		return "an exploded object has no form in a cookie"
	case (p.Style == "spaceDelimited" || p.Style == "pipeDelimited") && p.Explode && s.must(Object):
		return p.Style + " has no exploded objects"
	case s.nests(p.In == "query" && p.Style == "form" && p.Explode):
		return "there is no text for objects and lists within a parameter; describe it by content"
	}
	return ""
}

// nests reports whether a member or an item must be an object or a list. lists allows lists of texts as members.
func (s *shape) nests(lists bool) bool {
	in := s.inside()
	if s.can(Array) && in.items.must(Array|Object) {
		return true
	}
	if !s.can(Object) {
		return false
	}
	for _, m := range in.names {
		if m.must(Object) || m.must(Array|Object) && (!lists || m.item(0).must(Array|Object)) {
			return true
		}
	}
	return in.rest.must(Object) || in.rest.must(Array|Object) && !lists
}

// Unreadable says why content of the body's media type cannot be judged; "" if it can. Under a range it can: content is then
// what its Content-Type says.
func (b *Body) Unreadable() string {
	s := b.parameter().shape
	switch {
	case b.Schema == nil || IsJSON(b.Type) || strings.Contains(b.Type, "*"):
	case b.Type == formType || b.Type == multipartType:
		if s.kinds != 0 && !s.can(Object) {
			return "a form is an object, which its schema does not allow"
		}
	case strings.HasPrefix(b.Type, "multipart/"):
		return "the parts of " + b.Type + " are not read"
	case s.must(Array | Object):
		return "objects and lists of the media type " + b.Type + " are not read"
	}
	return ""
}
