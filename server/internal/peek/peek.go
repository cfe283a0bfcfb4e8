// Package peek looks at a socket without reading from it.
package peek

// State says what a read would find.
type State int

const (
	// Unknown: not [Possible].
	Unknown State = iota
	// Silent: nothing, so a read would wait.
	Silent
	// Data: bytes.
	Data
	// Ended: the peer has closed its side, or the connection broke.
	Ended
)
