package validate

import "strings"

// BasePaths returns base paths without variables.
func BasePaths(paths ...string) []BasePath {
	list := make([]BasePath, len(paths))
	for i, path := range paths {
		list[i] = BasePathOf(path)
	}
	return list
}

// BasePathOf returns a base path without variables, such as /v1; "" and / are the root.
func BasePathOf(path string) BasePath {
	var b BasePath
	for segment := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if segment != "" {
			b.Segments = append(b.Segments, BaseSegment{Text: segment})
		}
	}
	return b
}

// TemplateParameters returns the parameter names of a path template, in its order.
func TemplateParameters(template string) []string {
	var names []string
	for {
		_, rest, ok := strings.Cut(template, "{")
		if !ok {
			return names
		}
		name, behind, ok := strings.Cut(rest, "}")
		if !ok {
			return names
		}
		names, template = append(names, name), behind
	}
}
