// Package graph has Microsoft Graph's rules for every request, whichever handler serves it: the form of errors, the ids of
// requests, and the allowed media types, addresses and sizes of bodies.
package graph
