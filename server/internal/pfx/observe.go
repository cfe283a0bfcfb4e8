package pfx

import "time"

// Batch says how a store wrote updates that shared a commit. Stores tell of each to who wants to know.
type Batch struct {
	Size   int           // updates in it
	Waited time.Duration // how long the first of them waited for a writer
	Took   time.Duration // how long the writer was at it, the commit included
}
