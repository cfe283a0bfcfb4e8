package pfx

// Kind says what a caller may do about an error. Its zero value is Internal, so that an error nobody classified never
// leaks to a client.
type Kind int

// The kinds of errors.
const (
	Internal             Kind = iota
	Invalid                   // the request says something that cannot be; Field names the member, if one is to blame
	Denied                    // the caller may not do this
	NotFound                  // the tenant has no such request
	Exists                    // the tenant has such a request already
	PreconditionRequired      // the request must name the version that it means
	PreconditionFailed        // the request moved on: read it again and retry
	Unavailable               // nothing was changed, or nobody knows; try again later
)

// Error is an error whose Msg is safe to show to a client.
type Error struct {
	Kind  Kind
	Field string // JSON name of the offending member, if one is to blame
	Msg   string
	Err   error // the cause, for the log only
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Msg + " (" + e.Err.Error() + ")"
	}
	return e.Msg
}

func (e *Error) Unwrap() error { return e.Err }
