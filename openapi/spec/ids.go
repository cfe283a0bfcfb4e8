package spec

import "net/url"

// The keywords of JSON Schema that contain schemas.
var (
	// inPlace apply to the same value.
	inPlaceOne   = []string{"not", "if", "then", "else"}
	inPlaceMany  = []string{"allOf", "anyOf", "oneOf"}
	inPlaceNamed = []string{"dependentSchemas"}
	// below apply to members and items.
	belowOne   = []string{"items", "additionalProperties", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties"}
	belowMany  = []string{"prefixItems"}
	belowNamed = []string{"properties", "patternProperties"}
	// elsewhere contain schemas that only references use.
	elsewhere = []string{"$defs", "definitions"}
	// otherwise describe content.
	otherwise = []string{"contentSchema"}
)

// subschemas yields the schemas within a schema of OpenAPI 3.1.
func subschemas(n *node, yield func(*node)) {
	for _, names := range [][]string{inPlaceOne, belowOne, otherwise} {
		for _, name := range names {
			if child := n.get(name); child != nil {
				yield(child)
			}
		}
	}
	for _, names := range [][]string{inPlaceMany, belowMany} {
		for _, name := range names {
			for _, child := range n.get(name).list() {
				yield(child)
			}
		}
	}
	for _, names := range [][]string{inPlaceNamed, belowNamed, elsewhere} {
		for _, name := range names {
			for _, child := range n.get(name).members() {
				yield(child)
			}
		}
	}
}

// identify records the $id, $anchor and $dynamicAnchor of the schemas at n and below it. base is the resource of n.
func (l *library) identify(n, base *node) {
	if n.kind != objectKind {
		return
	}
	if id := n.get("$id").string(); id != "" {
		if ref, err := url.Parse(id); err == nil {
			uri := l.bases[base].ResolveReference(ref)
			uri.Fragment, uri.RawFragment = "", ""
			base = n
			l.bases[n] = uri
			if l.resources[uri.String()] == nil {
				l.resources[uri.String()] = n
			}
		}
	}
	if name := n.get("$anchor").string(); name != "" {
		l.anchors[anchor{base, name}] = n
	}
	if name := n.get("$dynamicAnchor").string(); name != "" {
		l.anchors[anchor{base, name}] = n
		l.dynamic[base] = append(l.dynamic[base], dynamicAnchor{name, n})
		l.places[name] = append(l.places[name], n)
	}
	subschemas(n, func(child *node) { l.identify(child, base) })
}

// identifyAll finds the schemas of an OpenAPI document: the values of members named schema, and those of components.
func (l *library) identifyAll(root *node) {
	var walk func(n *node)
	walk = func(n *node) {
		for name, child := range n.members() {
			switch {
			case name == "schema":
				l.identify(child, root)
			case name == "schemas" && n == root.get("components"):
				for _, s := range child.members() {
					l.identify(s, root)
				}
			case name != "example" && name != "examples":
				walk(child)
			}
		}
		for _, child := range n.list() {
			walk(child)
		}
	}
	walk(root)
	if !root.has("openapi") {
		l.identify(root, root) // the file may be a schema itself
	}
}
