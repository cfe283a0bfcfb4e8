// Package ecma matches the patterns of JSON Schema: the regular expressions of ECMA-262 (§22.2.1, edition of 2024) with
// the flag u. It needs the standard library alone.
//
// A string is never matched in more steps than its length times the length of the pattern, counts written out; look-ahead
// and look-behind, which ECMA-262 leaves to backtracking, included. Most patterns become a table that takes one look-up
// for a character. Patterns with back references are the exception: they are matched by backtracking, which gives up
// after 100,000 steps, and then the string does not match.
//
// What the flag u refuses is refused, and so is what other dialects know: (?i), (?P<name>, \A, \z, \Q, \h, [[:alpha:]],
// possessive quantifiers. Real documents need three things that u refuses and the grammar of §B.1.2 takes, which
// engines use without u. They are taken with its meaning:
//
//   - a character that is no letter or digit behind a backslash stands for itself: \-, \_, \@
//   - } and ] stand for themselves, and so does { where no quantifier begins; {,5} is refused
//   - in [\w-.] the hyphen stands for itself
//
// [Pattern.Tolerant] tells that a pattern has one. All else has the meaning of u for them, too: . is a character beyond
// U+FFFF, and \p{L} is a letter.
//
// \p knows general categories, scripts and the binary properties that package unicode has tables of. Emoji, script
// extensions and a few more are [Unsupported].
package ecma
