package pfx

// Kind says what a caller may do about an error. Its zero value is Internal, so that an error nobody classified never
// leaks to a client.
type Kind int

// The kinds of errors.
const (
	Internal             Kind = iota
	Invalid                   // the request says something that cannot be; Details name the members to blame, if any
	Denied                    // the caller may not do this
	NotFound                  // the tenant has no such request
	Exists                    // the tenant has such a request already
	PreconditionRequired      // the request must name the version that it means
	PreconditionFailed        // the request moved on: read it again and retry
	Unavailable               // nothing was changed, or nobody knows; try again later
)

// Error is an error whose Msg is safe to show to a client.
type Error struct {
	Kind    Kind
	Msg     string
	Details []Detail // the members to blame, if any
	Err     error    // the cause, for the log only
}

// Detail says what is wrong with one member.
type Detail struct {
	Member string // the JSON name
	Msg    string
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Msg + " (" + e.Err.Error() + ")"
	}
	return e.Msg
}

func (e *Error) Unwrap() error { return e.Err }
