package auth

import "errors"

// Reason says why there is no [Principal]. The zero value is Invalid, so an unclassified error refuses.
type Reason int

// The reasons. The status is 401 for all but Unavailable.
const (
	Invalid     Reason = iota // a check of the token failed; Msg says which
	Missing                   // there is no token
	Expired                   // the token was valid once
	Audience                  // the token is for another API
	Unavailable               // the keys to verify the token are unavailable: 503, retry later
)

// Error says why a token was refused. Msg is safe to show to a client: it repeats nothing of the token.
type Error struct {
	Reason Reason
	Msg    string
	Err    error // the cause, for the log only; nil if Msg is complete
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Msg + " (" + e.Err.Error() + ")"
	}
	return e.Msg
}

func (e *Error) Unwrap() error { return e.Err }

// refuse returns an Invalid [*Error]. why is a sentence for the client; cause may be nil.
func refuse(why string, cause error) error {
	return &Error{Reason: Invalid, Msg: "Access token validation failure. " + why, Err: cause}
}

// outcomes are the arguments of [Config.Checked].
var outcomes = map[Reason]string{Invalid: "invalid", Missing: "missing", Expired: "expired", Audience: "audience", Unavailable: "unavailable"}

func outcomeOf(err error) string {
	if err == nil {
		return "accepted"
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{}
	}
	return outcomes[e.Reason]
}
