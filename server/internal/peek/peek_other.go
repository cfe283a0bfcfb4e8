//go:build !unix

package peek

// Possible is whether [At] can look.
const Possible = false

// At always returns Unknown.
func At(uintptr) State { return Unknown }
