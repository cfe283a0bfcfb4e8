// Package ecma matches the patterns of JSON Schema: the regular expressions of ECMA-262 (§22.2.1, edition of 2024) with the
// flag u. It needs only the standard library.
//
//	p, err := ecma.Compile(`^(?!.*--)[\p{L}\d-]{1,2048}$`)
//	if err != nil {
//		return err // *ecma.Unsupported if ECMA-262 accepts the pattern
//	}
//	ok := p.MatchString("a-b")
//
// The number of steps of a match is at most the length of the string times the length of the pattern with its counts
// expanded. This includes look-ahead and look-behind, for which ECMA-262 uses backtracking. Most patterns become a table
// with one look-up per character. Only patterns with back references are matched by backtracking. It gives up after 100,000
// steps, and then the string does not match.
//
// Some syntax is an error with the flag u, but engines accept it without (§B.1.2). It is accepted with that meaning if real
// documents need it:
//
//   - a character that starts no escape stands for itself after a backslash: \-, \_, \@, also \Q
//   - so do } and ], and { where no quantifier starts: a{,5} has no quantifier
//   - in [\w-.] the hyphen stands for itself
//   - [[:alpha:]] is one of the characters [:alph, and then ]
//
// [Pattern.Tolerant] reports such a pattern. The rest of it still has the meaning of u: . matches a character beyond U+FFFF,
// and \p{L} is a letter. Other errors are rejected, such as an octal escape or a repeated look-ahead. So is the syntax of
// other dialects, which would silently change which strings match: (?i), (?P<name>, possessive quantifiers, and the escapes
// \A, \z, \Z, \a, \pL and \x{41}.
//
// \p supports general categories, scripts and the binary properties that package unicode has tables for. Emoji, script
// extensions and a few more are [Unsupported].
package ecma
