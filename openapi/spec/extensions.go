package spec

import (
	"slices"
	"strings"
)

// known are extensions of other tools that do not affect validation.
var known = words(`x-order x-omitempty x-omitzero x-enum-varnames x-enumNames x-enum-descriptions x-deprecated-reason
	x-internal x-tags x-odata-option`)

// maps are the keywords whose member names the author chose.
var maps = words(`properties patternProperties $defs definitions dependentSchemas schemas responses parameters requestBodies
	headers securitySchemes links callbacks pathItems variables`)

// extensions warns of each unknown extension, where it occurs first.
func (l *loader) extensions(n *node) {
	for name, child := range n.members() {
		switch {
		case maps[n.key]:
		case name == "readOnly" || name == "writeOnly":
			l.hiding = l.hiding || child.isTrue()
		case name == "example" || name == "examples" || name == "default" && child.kind != objectKind || name == "enum":
			continue
		case strings.HasPrefix(name, "x-"):
			l.extension(name, child)
			continue
		}
		l.extensions(child)
	}
	for _, child := range n.list() {
		l.extensions(child)
	}
}

func (l *loader) extension(name string, n *node) {
	if ours[name] || known[name] || slices.Contains(l.options.IgnoredExtensions, name) {
		return
	}
	for _, prefix := range []string{"x-go-", "x-oapi-codegen-", "x-docs-"} {
		if strings.HasPrefix(name, prefix) {
			return
		}
	}
	l.compiler.warn(n, "extension "+name, "the extension "+name+" is unknown, and not checked")
}
