package spec

import (
	"cmp"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// maxServers limits what the values of variables multiply to.
const maxServers = 256

// basePaths returns the paths of servers, longest first, so that /v1 does not match requests for /v1/beta; nil if there are
// no servers.
func (l *loader) basePaths(servers *node) []validate.BasePath {
	var list []validate.BasePath
	var seen []string
	for _, server := range servers.list() {
		for _, text := range l.serverPaths(server) {
			if slices.Contains(seen, text) {
				continue
			}
			if len(seen) == maxServers {
				l.compiler.warn(server, "", "there are too many servers; the rest is left out")
				return byLength(list)
			}
			seen = append(seen, text)
			list = append(list, l.basePath(text, server.get("variables")))
		}
	}
	return byLength(list)
}

func byLength(list []validate.BasePath) []validate.BasePath {
	slices.SortStableFunc(list, func(a, b validate.BasePath) int { return cmp.Compare(len(b.Segments), len(a.Segments)) })
	return list
}

// serverPaths returns the path of a server's URL. A variable that is a whole segment stays a variable; any other yields one
// path per value.
func (l *loader) serverPaths(server *node) []string {
	paths := []string{server.get("url").string()}
	for name, variable := range server.get("variables").members() {
		values := variable.get("enum").strings()
		open := len(values) == 0
		if open {
			values = []string{variable.get("default").string()}
		}
		whole := !slices.ContainsFunc(append(slices.Clip(values), variable.get("default").string()), func(v string) bool { return v == "" || strings.ContainsAny(v, "/?#:") })
		var next []string
		for _, text := range paths {
			if !strings.Contains(text, "{"+name+"}") || whole && isSegment(text, "{"+name+"}") {
				next = append(next, text)
				continue
			}
			for _, value := range values {
				next = append(next, strings.ReplaceAll(text, "{"+name+"}", value))
			}
			if open && strings.Contains(pathOf(text), "{"+name+"}") {
				l.compiler.warn(variable, "", "of the variable, which is not a whole segment of the path, only the default is known")
			}
		}
		if paths = next; len(paths) > maxServers {
			l.compiler.warn(variable, "", "the values of the variables make too many paths; the rest is left out")
			paths = paths[:maxServers]
		}
	}
	for i, text := range paths {
		if strings.ContainsAny(text, "?#") {
			l.compiler.warn(server, "", "the URL of a server has more than a path; the rest is left out")
		}
		paths[i] = pathOf(text)
	}
	return paths
}

// isSegment reports whether each occurrence of the variable is a whole segment of the URL's path.
func isSegment(text, variable string) bool {
	p := pathOf(text)
	n := 0
	for segment := range strings.SplitSeq(p, "/") {
		if segment == variable {
			n++
		}
	}
	return n == strings.Count(text, variable)
}

// pathOf returns the path of a URL. A relative URL is resolved against the root, where the document is assumed to be.
func pathOf(text string) string {
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		text = text[:i]
	}
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	} else if text, ok = strings.CutPrefix(text, "//"); !ok {
		return path.Clean("/" + text)
	}
	_, text, _ = strings.Cut(text, "/")
	return path.Clean("/" + text)
}

func (l *loader) basePath(text string, variables *node) validate.BasePath {
	var b validate.BasePath
	for segment := range strings.SplitSeq(strings.TrimPrefix(text, "/"), "/") {
		name, ok := strings.CutPrefix(segment, "{")
		name = strings.TrimSuffix(name, "}")
		variable := variables.get(name)
		switch {
		case segment == "":
		case !ok || variable == nil:
			b.Segments = append(b.Segments, validate.BaseSegment{Text: escaped(segment)})
		default:
			values := variable.get("enum").strings()
			b.Segments = append(b.Segments, validate.BaseSegment{Text: variable.get("default").string(), Values: values, Open: len(values) == 0})
		}
	}
	return b
}

// escaped returns a segment as a request has it.
func escaped(segment string) string {
	u, err := url.Parse("/" + segment)
	if err != nil {
		return segment
	}
	return strings.TrimPrefix(u.EscapedPath(), "/")
}
