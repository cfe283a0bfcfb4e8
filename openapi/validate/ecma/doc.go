// Package ecma matches the patterns of JSON Schema: the regular expressions of ECMA-262 (§22.2.1, edition of 2024) with
// the flag u. It needs the standard library alone.
//
//	p, err := ecma.Compile(`^(?!.*--)[\p{L}\d-]{1,2048}$`)
//	if err != nil {
//		return err // *ecma.Unsupported if ECMA-262 takes the pattern
//	}
//	ok := p.MatchString("a-b")
//
// A string is never matched in more steps than its length times the length of the pattern, counts written out; look-ahead
// and look-behind, which ECMA-262 leaves to backtracking, included. Most patterns become a table that takes one look-up
// for a character. Patterns with back references are the exception: they are matched by backtracking, which gives up
// after 100,000 steps, and then the string does not match.
//
// What the flag u refuses, but engines take without it (§B.1.2), is taken with the meaning it has there, where real
// documents need it:
//
//   - a character that begins no escape stands for itself behind a backslash: \-, \_, \@, also \Q
//   - so do } and ], and { where no quantifier begins: a{,5} has no quantifier
//   - in [\w-.] the hyphen stands for itself
//   - [[:alpha:]] is one of the characters [:alph, and then ]
//
// [Pattern.Tolerant] tells that a pattern has one. All else has the meaning of u for them, too: . is a character beyond
// U+FFFF, and \p{L} is a letter. The rest is refused, such as an octal escape or a look-ahead that is repeated; and so is
// what other dialects know: (?i), (?P<name>, possessive quantifiers, and the escapes \A, \z, \Z, \a, \pL and \x{41}, which
// would change in silence which strings match.
//
// \p knows general categories, scripts and the binary properties that package unicode has tables of. Emoji, script
// extensions and a few more are [Unsupported].
package ecma
