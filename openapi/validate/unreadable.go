package validate

import "strings"

// Unreadable returns the reason why the values of a parameter have no text that can be checked; "" if they have one. OpenAPI
// defines no text for nested structures, except in a deepObject, and none that separates the members of several objects.
func (p *Parameter) Unreadable() string {
	s := shapeOf(p.Schema)
	spread := p.In == "query" && p.Style == "form" && p.Explode // each member is a separate option
	switch {
	case p.Content != "":
		if !IsJSON(p.Content) && !strings.HasPrefix(p.Content, "text/") {
			return "a parameter of the media type " + p.Content + " is not read"
		}
	case p.Style == "deepObject":
		if s.kinds != 0 && !s.can(Array|Object) {
			return "the style deepObject is for objects and lists"
		}
	case p.In == "cookie" && p.Explode && s.must(Object):
		return "an exploded object has no form in a cookie"
	case (p.Style == "spaceDelimited" || p.Style == "pipeDelimited") && p.Explode && s.must(Object):
		return p.Style + " has no exploded objects"
	case s.can(Object) && !s.must(Object) && !spread:
		return "a parameter cannot be an object or something else: the text does not tell which"
	case s.nests(spread):
		return "OpenAPI defines no text for objects and arrays within a parameter; describe it by content"
	}
	return ""
}

// nests reports whether a member or an item must be an object or a list. With lists, members may be lists of texts.
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

// Unreadable returns the reason why content of the body's media type cannot be checked; "" if it can. A range can be
// checked: the Content-Type then decides.
func (b *Body) Unreadable() string {
	if b.Schema == nil || IsJSON(b.Type) || strings.Contains(b.Type, "*") {
		return ""
	}
	s := b.parameter().shape
	switch {
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
