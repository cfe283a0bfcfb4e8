package ecma

import "unicode/utf8"

// run is a character of a set, from low to high times; high < 0 is unbounded.
type run struct {
	set       runes
	ascii     [utf8.RuneSelf]bool
	low, high int
}

// runs are patterns such as ^[A-Z][a-z]{1,2048}$, whose counts would make large tables. A run ends at the first character
// outside its set, or at its highest count.
type runs []run

// counted returns the runs of a pattern that consists only of runs, if each character belongs to one run.
func counted(root *node) runs {
	if root.op != opConcat || len(root.subs) < 2 || root.subs[0].op != opBegin || root.subs[len(root.subs)-1].op != opEnd {
		return nil
	}
	var list runs
	for _, n := range root.subs[1 : len(root.subs)-1] {
		one := run{low: 1, high: 1, set: n.set}
		if n.op == opRepeat {
			one = run{low: n.min, high: n.max, set: n.subs[0].set}
			n = n.subs[0]
		}
		if n.op != opSet {
			return nil
		}
		for c := range rune(utf8.RuneSelf) {
			one.ascii[c] = one.set.has(c)
		}
		list = append(list, one)
	}
	if !list.determined() {
		return nil
	}
	return list
}

// determined reports whether no character that can follow a run of variable length belongs to that run.
func (l runs) determined() bool {
	for i, one := range l {
		if one.low == one.high {
			continue
		}
		for _, next := range l[i+1:] {
			if !one.set.disjoint(next.set) {
				return false
			}
			if next.low > 0 {
				break
			}
		}
	}
	return true
}

func (l runs) match(text string) bool {
	pos := 0
	for i := range l {
		one := &l[i]
		count := 0
		for pos < len(text) && (one.high < 0 || count < one.high) {
			if c := text[pos]; c < utf8.RuneSelf {
				if !one.ascii[c] {
					break
				}
				pos++
			} else {
				r, size := utf8.DecodeRuneInString(text[pos:])
				if !one.set.has(r) {
					break
				}
				pos += size
			}
			count++
		}
		if count < one.low {
			return false
		}
	}
	return pos == len(text)
}
