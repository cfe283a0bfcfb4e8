package faultinject

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is a way in which a call can fail.
type Fault string

// The faults. After all but DroppedAfter and Slow, nothing of the call was applied.
const (
	Throttled     Fault = "throttled"      // 429 with Retry-After
	Unavailable   Fault = "unavailable"    // 503 with Retry-After
	Conflict      Fault = "conflict"       // 412; only for calls with a tag in If-Match
	Slow          Fault = "slow"           // the response comes a second late
	DroppedBefore Fault = "dropped-before" // the connection breaks before the call is handled
	DroppedAfter  Fault = "dropped-after"  // the connection breaks after the call was handled: an update is applied
)

// Faults returns every fault.
func Faults() []Fault {
	return []Fault{Throttled, Unavailable, Conflict, Slow, DroppedBefore, DroppedAfter}
}

// Percent is a share of calls, from 0 to 100. As text it is a number with an optional fraction and a percent sign: 2.5%.
type Percent float64

func (p *Percent) UnmarshalText(text []byte) error {
	number, ok := strings.CutSuffix(string(text), "%")
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || Percent(v).validate() != nil {
		return errPercent
	}
	*p = Percent(v)
	return nil
}

var errPercent = errors.New("it must be from 0% to 100%, such as 5%")

func (p Percent) validate() error {
	if math.IsNaN(float64(p)) || p < 0 || p > 100 {
		return errPercent
	}
	return nil
}

// Config says how often and how calls fail.
type Config struct {
	// Percent is the share of calls that fail.
	Percent Percent
	// Faults are chosen evenly; nil means all. A call to which none applies is passed on.
	Faults []Fault
	// Seed makes faults reproducible: the same sequence of calls meets the same faults.
	Seed uint64
	// Refuse responds with the status 412, 429 or 503, and with Retry-After if retryAfter is positive. Required.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, retryAfter time.Duration)
	// Log receives a line for each fault. Required.
	Log *slog.Logger
}

// Validate reports a share out of range or an unknown fault.
func Validate(p Percent, faults []Fault) error {
	if err := p.validate(); err != nil {
		return fmt.Errorf("--pester: %w", err)
	}
	for _, f := range faults {
		if !slices.Contains(Faults(), f) {
			return fmt.Errorf("the fault %q does not exist: choose from %q", f, Faults())
		}
	}
	return nil
}
