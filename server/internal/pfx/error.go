package pfx

// Kind tells a caller how to handle an error. The zero value is Internal, so that an unclassified error never leaks to
// a client.
type Kind int

// The kinds of errors.
const (
	Internal             Kind = iota
	Invalid                   // the request is invalid; Details name the members, if any
	Denied                    // the caller is not allowed to do this
	NotFound                  // the tenant has no such request
	Exists                    // the tenant already has such a request
	PreconditionRequired      // the caller must name the expected version
	PreconditionFailed        // the request has changed: read it again and retry
	Unavailable               // nothing was changed, or the outcome is unknown; try again later
)

// Error is an error whose Msg is safe to show to a client.
type Error struct {
	Kind    Kind
	Msg     string
	Details []Detail // the invalid members, if any
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
