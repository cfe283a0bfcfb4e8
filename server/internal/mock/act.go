package mock

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/mock/sample"
)

// action is a request to a collection or an object, while the state is locked.
type action struct {
	*Mock
	o        *operation
	r        *http.Request
	response *validate.Response
	choice   choice
	path     string // of the collection
	key      string // "" for the collection
}

// act responds from the state, and changes it.
func (m *Mock) act(w http.ResponseWriter, r *http.Request, o *operation, values []string) {
	response, c, err := o.choose(r, preferences{})
	if err != nil {
		gateway.Refuse(w, problemOf(err))
		return
	}
	a := &action{Mock: m, o: o, r: r, response: response, choice: c, path: r.URL.EscapedPath()}
	if o.role >= reads {
		a.path = path.Dir(a.path)
		if a.key, err = url.PathUnescape(values[len(values)-1]); err != nil {
			gateway.Refuse(w, unknownObject())
			return
		}
	}
	made, err := a.do()
	if err != nil {
		gateway.Refuse(w, problemOf(err))
		return
	}
	made.send(w)
}

func (a *action) do() (*answer, error) {
	var body []byte
	if a.o.role == creates || a.o.role == replaces || a.o.role == updates {
		var err error
		if body, err = a.read(); err != nil {
			return nil, err
		}
		if body == nil {
			return a.prepare(a.r.Context(), a.o, a.response, a.choice, false), nil // the response cannot be an object
		}
	}
	a.state.Lock()
	defer a.state.Unlock()
	switch a.o.role {
	case creates:
		return a.create(body)
	case lists:
		return a.list(), nil
	}
	old := a.state.at(a.path).objects[a.key]
	if err := a.condition(old); err != nil {
		return nil, err
	}
	switch a.o.role {
	case reads:
		return a.present(old, a.unchanged(old)), nil
	case deletes:
		a.state.remove(a.path, a.key, a.r.URL.EscapedPath())
		return a.prepare(a.r.Context(), a.o, a.response, a.choice, false), nil
	case replaces:
		return a.replace(old, body)
	}
	return a.update(old, body)
}

// read returns the body of the request as JSON, or nil if it cannot be JSON. The gate has checked it.
func (a *action) read() ([]byte, error) {
	data, err := io.ReadAll(a.r.Body)
	if err != nil {
		return nil, graph.MalformedBody(err)
	}
	contentType := a.r.Header.Get("Content-Type")
	b := a.o.RequestBody(contentType)
	if b == nil || len(data) == 0 {
		return nil, nil
	}
	value, faults := b.ReadContent(a.r.Context(), contentType, data)
	if faults != nil {
		return nil, a.config.Words.OfBody(faults.List)
	}
	return value, nil
}

// condition returns the problem of a missing object, or of one that does not match the request's condition.
func (a *action) condition(old *stored) error {
	tags := a.r.Header["If-Match"]
	switch {
	case old == nil && a.o.role == replaces && a.creates() && len(tags) == 0:
		return nil
	case old == nil:
		return unknownObject()
	case a.o.shape.tagged && len(tags) > 0 && !old.matches(tags):
		return graph.Refusal(http.StatusPreconditionFailed, 0)
	}
	return nil
}

// creates reports whether PUT creates missing objects: the document then describes 201.
func (a *action) creates() bool {
	response := a.o.Response(http.StatusCreated)
	return response != nil && response.Status == "201"
}

// unchanged reports whether the client has the current object (RFC 9110 §13.1.2).
func (a *action) unchanged(o *stored) bool {
	return a.o.shape.tagged && o.matches(a.r.Header["If-None-Match"])
}

// create stores an object under a new key.
func (a *action) create(sent []byte) (*answer, error) {
	given, err := readObject(sent)
	if err != nil {
		return a.prepare(a.r.Context(), a.o, a.response, a.choice, false), nil
	}
	s := a.o.shape
	key := given.get(s.member)
	if key == nil {
		if key = a.newKey(); key == nil {
			return nil, unmakeable("key")
		}
	}
	a.key = keyText(key)
	if a.state.at(a.path).objects[a.key] != nil {
		return nil, &graph.Problem{Status: http.StatusConflict, Code: "Conflict", Message: "There is an object with this key already."}
	}
	o, err := a.store(a.compose(given, nil, key))
	if err != nil {
		return nil, err
	}
	made := a.present(o, false)
	setField(made.header, "Location", a.path+"/"+url.PathEscape(a.key))
	return made, nil
}

// replace replaces an object by what was sent.
func (a *action) replace(old *stored, sent []byte) (*answer, error) {
	given, err := readObject(sent)
	if err != nil {
		return a.prepare(a.r.Context(), a.o, a.response, a.choice, false), nil
	}
	var before object
	if old != nil {
		if before, err = readObject(old.value); err != nil {
			return nil, err
		}
	}
	key, err := a.sameKey(given, before)
	if err != nil {
		return nil, err
	}
	o, err := a.store(a.compose(given, before, key))
	if err != nil {
		return nil, err
	}
	if old == nil {
		a.response, a.choice.status = a.o.Response(http.StatusCreated), http.StatusCreated
		a.choice.body, a.choice.mediaType = negotiate(a.response.Bodies, a.r.Header["Accept"])
	}
	return a.present(o, false), nil
}

// update applies a patch to an object.
func (a *action) update(old *stored, patch []byte) (*answer, error) {
	value, err := a.patched(old.value, patch)
	if err != nil {
		return nil, err
	}
	after, err := readObject(value)
	if err != nil {
		return nil, a.config.Words.OfBody([]validate.Fault{{Keyword: "type", Expected: validate.Expected{Type: "object"}}})
	}
	before, err := readObject(old.value)
	if err != nil {
		return nil, err
	}
	if _, err := a.sameKey(after, before); err != nil {
		return nil, err
	}
	o, err := a.store(a.shown(after))
	if err != nil {
		return nil, err
	}
	return a.present(o, false), nil
}

// sameKey returns the value of the member that holds the key. It must match the address.
func (a *action) sameKey(given, before object) ([]byte, error) {
	member := a.o.shape.member
	if member == "" {
		return nil, nil
	}
	value := given.get(member)
	switch {
	case value != nil && keyText(value) != a.key:
		return nil, a.config.Words.OfBody([]validate.Fault{{
			Pointer: "/" + member, Name: member, Keyword: "const", Expected: validate.Expected{Value: "the key of the addressed object"},
		}})
	case value != nil:
		return value, nil
	case before != nil:
		return before.get(member), nil
	}
	for _, text := range [][]byte{validate.AppendString(nil, a.key), []byte(a.key)} {
		if a.fitsKey(text) {
			return text, nil
		}
	}
	return nil, unmakeable("key")
}

// compose returns the new object: what was sent, the key, and what only the server knows, which is readOnly members, those
// of the previous object, and required ones.
func (a *action) compose(sent, before object, key []byte) object {
	s := a.o.shape
	made, _ := readObject(a.lean())
	hidden := map[string]bool{}
	for _, b := range a.o.Request {
		for _, p := range properties(b.Schema) {
			hidden[p.Name] = hidden[p.Name] || p.Hidden != ""
		}
	}
	result := object{}
	add := func(name string, values ...[]byte) {
		for _, value := range values {
			if value != nil && result.get(name) == nil {
				result = append(result, member{name, value})
			}
		}
	}
	for _, p := range properties(s.schema) {
		switch {
		case p.Name == s.member:
			add(p.Name, key)
		case hidden[p.Name]:
			add(p.Name, before.get(p.Name), made.get(p.Name), a.member(p.Schema))
		default:
			add(p.Name, sent.get(p.Name), made.get(p.Name))
		}
	}
	for _, m := range sent {
		add(m.name, m.value)
	}
	return a.shown(result)
}

// shown returns an object without the members that responses hide.
func (a *action) shown(o object) object {
	for _, p := range properties(a.o.shape.schema) {
		if p.Hidden != "" {
			o = o.without(p.Name)
		}
	}
	return o
}

// lean generates an object with only required members.
func (a *action) lean() []byte {
	options := a.scalarsGiven()
	options.Lean = true
	value, ok := a.maker.Make(a.r.Context(), a.fresh(), a.o.shape.schema, options)
	if !ok {
		return []byte("{}")
	}
	return value
}

// member generates the value of a member that only the server knows.
func (a *action) member(s *validate.Schema) []byte {
	value, ok := a.maker.Make(a.r.Context(), a.fresh(), s, a.scalarsGiven())
	if !ok {
		return nil
	}
	return value
}

// scalarsGiven returns options that use no whole object of the document: it would contain what no client has sent.
func (a *action) scalarsGiven() sample.Options {
	options := a.sampleOptions(false)
	all := options.Given
	options.Given = func(s *validate.Schema) []string {
		return slices.DeleteFunc(all(s), func(text string) bool { return text[0] == '{' })
	}
	return options
}

// store validates and stores an object.
func (a *action) store(o object) (*stored, error) {
	value := o.json()
	if faults := a.o.shape.schema.Check(a.r.Context(), value); faults != nil {
		if len(faults.List) == 0 {
			return nil, graph.Unavailable(a.r.Context().Err())
		}
		return nil, a.config.Words.OfBody(faults.List)
	}
	return a.state.put(a.path, a.key, value)
}

// newKey returns an unused key of the collection, or nil.
func (a *action) newKey() []byte {
	c := a.state.at(a.path)
	for c.next < a.state.maxObjects+len(c.keys)+1 {
		c.next++
		number := strconv.Itoa(c.next)
		candidates := [][]byte{[]byte(number), []byte(`"` + number + `"`)}
		i := slices.IndexFunc(candidates, a.fitsKey)
		if i < 0 {
			break
		}
		if c.objects[number] == nil {
			a.state.collections[a.path] = c
			return candidates[i]
		}
	}
	const tries = 50
	for range tries {
		key, ok := a.maker.MakeAll(a.r.Context(), a.fresh(), a.keySchemas(), sample.Options{Vary: true})
		if ok && (key[0] == '"' || key[0] == '-' || key[0] >= '0' && key[0] <= '9') && c.objects[keyText(key)] == nil {
			return key
		}
	}
	return nil
}

// keySchemas returns the schemas of the parameter and of the member that hold the key.
func (a *action) keySchemas() []*validate.Schema {
	s := a.o.shape
	list := []*validate.Schema{s.key.Schema}
	for _, p := range properties(s.schema) {
		if p.Name == s.member {
			list = append(list, p.Schema)
		}
	}
	return list
}

func (a *action) fitsKey(key []byte) bool {
	return json.Valid(key) && !slices.ContainsFunc(a.keySchemas(), func(s *validate.Schema) bool { return s != nil && s.Check(a.r.Context(), key) != nil })
}

// keyText returns a key as in an address, but unescaped.
func keyText(key []byte) string {
	var s string
	if key[0] == '"' && json.Unmarshal(key, &s) == nil {
		return s
	}
	return string(key)
}

// list returns a response with the objects of the collection.
func (a *action) list() *answer {
	c := a.state.at(a.path)
	values := []byte{'['}
	for i, key := range c.keys {
		if i > 0 {
			values = append(values, ',')
		}
		values = append(values, c.objects[key].value...)
	}
	return a.show(append(values, ']'), '[')
}

// present returns the response with an object, or that it is unchanged.
func (a *action) present(o *stored, unchanged bool) *answer {
	var made *answer
	if unchanged {
		made = &answer{status: http.StatusNotModified, header: http.Header{}}
	} else {
		made = a.show(o.value, '{')
	}
	if a.o.shape.tagged {
		setField(made.header, "ETag", o.tag())
	}
	return made
}

// show returns the response with a value as its body, or as a member of it. kind is the first byte of the value. If the
// response has no place for the value, it is that of a stateless mock.
func (a *action) show(value []byte, kind byte) *answer {
	base := a.prepare(a.r.Context(), a.o, a.response, a.choice, false)
	made := &answer{status: base.status, header: maps.Clone(base.header), body: base.body, problem: base.problem}
	if a.choice.body == nil || base.problem != nil {
		return made
	}
	for candidate := range a.candidates(base.body, value, kind) {
		if body := encode(a.choice.body, a.choice.mediaType, string(candidate)); a.isValid(a.r.Context(), a.choice, body) {
			made.body = body
			break
		}
	}
	return made
}

// candidates yields the value, and the body with the value as each possible member, the likeliest first. Optional members,
// such as the address of the next page, are omitted if possible.
func (a *action) candidates(body, value []byte, kind byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		whole, err := readObject(body)
		if !yield(value) || err != nil {
			return
		}
		least := a.counted(requiredOf(whole, a.choice.body.Schema))
		for _, name := range a.places(whole, kind) {
			if !yield(least.with(name, value).json()) || !yield(whole.with(name, value).json()) {
				return
			}
		}
	}
}

// places returns the members of a body that may hold the value: those that match the schema, then those that look like it.
func (a *action) places(body object, kind byte) []string {
	var likely, possible []string
	for _, p := range properties(a.choice.body.Schema) {
		switch before := body.get(p.Name); {
		case a.isMeant(p.Schema, kind):
			likely = append(likely, p.Name)
		case before != nil && before[0] == kind:
			possible = append(possible, p.Name)
		}
	}
	return append(likely, possible...)
}

// requiredOf returns an object with only the members that a schema or one of its parts requires.
func requiredOf(o object, s *validate.Schema) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool {
		return !slices.Contains(s.Required, m.name) &&
			!slices.ContainsFunc(s.AllOf, func(part *validate.Schema) bool { return slices.Contains(part.Required, m.name) })
	})
}

// countNames are common names of the number of all objects, in lower case without separators.
var countNames = []string{"total", "count", "totalcount", "totalitems", "totalresults", "@odata.count"}

// counted returns the body of a list with the number of objects set, if it has a member for that.
func (a *action) counted(o object) object {
	if a.o.role != lists {
		return o
	}
	number := strconv.Itoa(len(a.state.at(a.path).keys))
	for _, m := range o {
		if slices.Contains(countNames, plainName(m.name)) && m.value[0] >= '0' && m.value[0] <= '9' {
			o = o.with(m.name, []byte(number))
		}
	}
	return o
}

// isMeant reports whether a schema is that of the objects or of a list of them.
func (a *action) isMeant(s *validate.Schema, kind byte) bool {
	if s != nil && kind == '[' {
		s = s.Items
	}
	return s != nil && s.Pointer == a.o.shape.schema.Pointer
}

// patched applies a patch to a value: a merge patch, unless the media type is another.
func (a *action) patched(value, patch []byte) ([]byte, error) {
	m, _ := validate.ParseMediaType(a.r.Header.Get("Content-Type"))
	if m.Type != "application/json-patch+json" {
		return mergePatch(value, patch)
	}
	operations, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, badPatch(err)
	}
	options := jsonpatch.NewApplyOptions()
	options.AccumulatedCopySizeLimit = maxPatched
	changed, err := operations.ApplyWithOptions(value, options)
	if err != nil {
		return nil, badPatch(err)
	}
	return changed, nil
}

// maxPatched bounds the bytes that a JSON Patch may copy.
const maxPatched = 1 << 20

// badPatch is the problem of a JSON Patch that cannot be applied (RFC 5789 §2.2).
func badPatch(err error) *graph.Problem {
	return &graph.Problem{
		Status: http.StatusUnprocessableEntity, Code: graph.CodeBadRequest, Cause: err,
		Message: "The patch cannot be applied to the object: a test failed, or a path leads nowhere.",
	}
}
