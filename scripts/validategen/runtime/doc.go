// Package runtime is the part of a generated package that is the same for every document: the strict reader of JSON, the
// faults, the formats, exact decimals, parameters and the writer of strings. validategen copies these files as they are
// into the package that it writes, so that generated packages import nothing of validategen.
//
// The reader takes I-JSON (RFC 7493) and nothing else: UTF-8 without a byte order mark, no member twice, no lone
// surrogate, one value and nothing after it. It never backs up. A fault of the schema does not stop it, so that bytes
// that are no JSON at all are found out whatever else is wrong with them.
package runtime
