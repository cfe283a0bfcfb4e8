// Package openapi turns an OpenAPI 3.0 or 3.1 document into a contract for the gateway. It knows nothing of HTTP messages,
// routing or policy, and reads no file and no network:
//
//	contract, err := openapi.Load(data)
//
// # Who judges
//
// kin-openapi loads and validates the document. Values are judged by JSON Schema 2020-12: the schemas of a document are
// rewritten to it once, compiled once, and then serve all requests, so that 3.0 and 3.1 are equally strict. kin-openapi
// itself would compile a 3.1 schema for each value, overlook readOnly and discriminators in 3.1, and compare numbers as
// float64, to which 2⁶³ is an int64; for 3.0 the tests hold its verdicts against these. JSON must first pass the scan that
// generated code passes: one I-JSON text, UTF-8, no name twice, nested at most 64 levels. A small body then takes
// 30 to 70 µs (BenchmarkCheck), in both versions and as kin-openapi does for 3.0 without that scan, where generated code
// takes 1 µs; loading takes 10 to 70 ms. A panic is a fault of the keyword internal.
//
// # What schemas mean
//
// Nothing is filled in or changed: a default makes no verdict. Names match by the letter. 1.0 is an integer. Numbers are
// compared exactly, and int8 to uint64 are ranges of integers; a number that no float64 can hold breaks the format double.
// The formats of JSON Schema, byte and float are checked, any other is a note. Patterns are Go's RE2. In a request a
// readOnly member is refused, even null, and never required; so is a writeOnly member in an answer. A discriminator chooses
// among oneOf or anyOf, whose alternatives must be references; without them it is a note. In 3.0, a schema without a type
// takes null, and so does nullable beside allOf, oneOf or anyOf. Alternatives are one fault: oneOf or anyOf, at the value;
// those of a discriminator are objects, or null inline. Of the faults of many items or members 32 are found; only
// unevaluatedProperties and patternProperties look at all, and a megabyte of wrong members then costs half a gigabyte in
// passing.
//
// # Parameters
//
// All styles are understood, parameters whose content is JSON, and cookies, which are reported as the header field Cookie.
// Text is decoded once and becomes a number or a boolean where the schema has one. An exploded object of the query takes
// the names of its properties, and any other name only if additionalProperties says so or there are no properties. A
// query's API key is known, but not checked. Accept, Content-Type and Authorization are ignored, as OpenAPI says.
//
// # Bodies
//
// application/json, text/json and +json are JSON, with or without a schema. So is what matches a range such as */* whose
// schema asks for an object or an array. application/x-www-form-urlencoded is an object of a query's options. Any other media type can
// have a schema of strings, numbers or booleans: text is UTF-8; octet-stream, images and format binary are bytes, which are
// counted. Without a schema the length alone is bounded. Headers of answers, links, callbacks and webhooks are not checked.
//
// # What is refused
//
// Load refuses what it cannot honour: external references, keywords it does not know (nullable in 3.1 and $dynamicRef among
// them), $id and $anchor, patterns that RE2 lacks, path parameters that are not whole segments, two templates or names that
// are the same, objects in objects in styles that have no form for them, multipart and XML with a schema, the encoding of
// parts. Base paths are the paths of all servers, those of paths and operations too, each for all operations: the hosts do
// not count, the gateway's upstream is the one server, and it answers what it does not have.
package openapi
