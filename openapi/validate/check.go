package validate

import "context"

// Check checks that data is one I-JSON text that satisfies the schema. It returns nil if it does. When ctx is done it
// ends, and the faults say so. It is safe for concurrent use.
func (s *Schema) Check(ctx context.Context, data []byte) *Faults { panic("to be written") }

// checkTape checks a tape that was written for a parameter or a form, and adds the faults to f. The pointers of the faults
// begin with pointer, which is "" for the value as a whole.
func (s *Schema) checkTape(ctx context.Context, t *tape, f *Faults) { panic("to be written") }
