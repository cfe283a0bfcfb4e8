package validate

// putDeep sets the text of the member at the keys in brackets. ok reports whether the text could be decoded.
func (t *texts) putDeep(q *parameter, at int32, s *shape, keys, text string, ok bool) {
	if len(t.nodes) > maxTexts {
		t.fault(q, "maxProperties", 0)
		return
	}
	for depth := 0; keys != ""; depth++ {
		key, rest, _ := cutKey(keys)
		var keyword string
		if depth == maxDepth-1 {
			keyword = "type"
		} else if asList(s, key) {
			at, s, keyword = t.enterItem(at, s, key, rest == "")
		} else {
			at, s, keyword = t.enterMember(at, s, key)
		}
		if keyword != "" {
			t.fault(q, keyword, at)
			return
		}
		keys = rest
	}
	switch {
	case !ok:
		t.fault(q, "encoding", at)
	case !t.put(at, node{kind: textNode, text: text}, s):
		t.fault(q, "repeated", at)
	}
}

// asList reports whether a key in brackets is the place of an item: it is empty, or a number where the schemas allow a list
// and no object.
func asList(s *shape, key string) bool {
	return key == "" || s.can(Array) && !s.can(Object)
}

// enterMember returns a member of the node, which becomes an object, or the keyword that this violates.
func (t *texts) enterMember(at int32, s *shape, key string) (int32, *shape, string) {
	switch n := &t.nodes[at]; {
	case s.kinds != 0 && !s.can(Object):
		return at, s, "type"
	case n.kind == newNode:
		n.kind = objectNode
	case n.kind != objectNode:
		return at, s, "repeated"
	}
	member := t.member(at, key)
	if member == 0 {
		member = t.add(at, node{name: key})
	}
	return member, s.member(key), ""
}

// enterItem returns an item of the node, which becomes a list, or the keyword that this violates. An item without a number
// is new and must be the last key: readers disagree whether a[][x]=1&a[][y]=2 is one item.
func (t *texts) enterItem(at int32, s *shape, key string, last bool) (int32, *shape, string) {
	n := &t.nodes[at]
	i, ok := int(n.size), key == "" && last
	if key != "" {
		i, ok = index(key)
	}
	switch {
	case !ok || s.kinds != 0 && !s.can(Array) || i > int(n.size):
		return at, s, "type"
	case n.kind == newNode:
		n.kind = listNode
	case n.kind != listNode:
		return at, s, "repeated"
	}
	item := n.last
	switch {
	case i == int(n.size):
		item = t.add(at, node{})
	case i < int(n.size)-1: // items must be in order
		return at, s, "repeated"
	}
	return item, s.item(i), ""
}

// index returns the number of a key in canonical decimal form.
func index(key string) (int, bool) {
	n := 0
	for i := range len(key) {
		if c := key[i] - '0'; c > 9 || i > 0 && key[0] == '0' || i > 6 {
			return 0, false
		}
		n = n*10 + int(key[i]-'0')
	}
	return n, true
}
