package pester

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

// Fault is one way in which a call can go wrong.
type Fault string

// The faults. All but DroppedAfter and Slow apply nothing of the call.
const (
	Throttled     Fault = "throttled"      // 429 with Retry-After
	Unavailable   Fault = "unavailable"    // 503 with Retry-After
	Conflict      Fault = "conflict"       // 412; only for a call that can be answered so: If-Match names a tag
	Slow          Fault = "slow"           // the answer comes a second late
	DroppedBefore Fault = "dropped-before" // the connection breaks, and the call was not handled
	DroppedAfter  Fault = "dropped-after"  // the connection breaks, and the call was handled: an update is applied
)

// Faults returns every fault.
func Faults() []Fault {
	return []Fault{Throttled, Unavailable, Conflict, Slow, DroppedBefore, DroppedAfter}
}

// Percent is a share of calls, from 0 to 100. Its text is a number, which may have a fraction, and a percent sign: 2.5%.
type Percent float64

// UnmarshalText reads a share.
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

// Config says how often calls go wrong, and how.
type Config struct {
	// Percent is the share of the calls that go wrong.
	Percent Percent
	// Faults are the faults to choose from, evenly; nil means all. A call that none of them fits is let alone.
	Faults []Fault
	// Seed makes the choice: the same calls, one after another, meet the same faults.
	Seed uint64
	// Refuse answers a call with a status, 412, 429 or 503, and, if it is positive, with Retry-After. Required.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, retryAfter time.Duration)
	// Log gets a line for each fault. Required.
	Log *slog.Logger
}

// Validate refuses a share that is none and a fault that does not exist.
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
