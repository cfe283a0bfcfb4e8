//go:build linux

package load

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"
)

// Load describes connections that send requests for some time.
type Load struct {
	Address     string
	Connections int
	Duration    time.Duration
	// Rate is the number of requests per second, regardless of earlier responses. Any free connection sends a request
	// when it is due, and its time counts from then. If Rate is 0, each connection sends its next request after the
	// previous response.
	Rate float64
	// Requests returns a function that makes the requests of a connection. It may reuse the bytes of the previous
	// request.
	Requests func(connection int) func() []byte
}

// Same returns a function for Load.Requests that always returns request.
func Same(request []byte) func(int) func() []byte {
	return func(int) func() []byte { return func() []byte { return request } }
}

// Seen is the result of a Load.
type Seen struct {
	Took    []time.Duration // of each response, in ascending order
	Elapsed time.Duration   // until the last response
}

// PerSecond returns the number of responses per second.
func (s *Seen) PerSecond() float64 { return float64(len(s.Took)) / s.Elapsed.Seconds() }

// Quantile returns the time that a share of the responses did not exceed: 0.5 is the median.
func (s *Seen) Quantile(share float64) time.Duration {
	return s.Took[min(int(share*float64(len(s.Took))), len(s.Took)-1)]
}

// Run sends the requests. It returns an error for a response other than 200.
func (l Load) Run() (*Seen, error) {
	callers := make([]*Caller, l.Connections)
	for i := range callers {
		c, err := Dial(l.Address)
		if err != nil {
			return nil, err
		}
		defer func() { _ = c.Close() }() // all responses were read
		callers[i] = c
	}
	s, err := l.schedule()
	if err != nil {
		return nil, err
	}
	took, errs := make([][]time.Duration, l.Connections), make([]error, l.Connections)
	var wg sync.WaitGroup
	for i, c := range callers {
		wg.Go(func() { took[i], errs[i] = s.follow(c, l.Requests(i)) })
	}
	wg.Wait()
	seen := &Seen{Elapsed: time.Since(s.begin), Took: slices.Concat(took...)}
	slices.Sort(seen.Took)
	err = errors.Join(append(errs, s.close())...)
	if len(seen.Took) == 0 {
		err = cmp.Or(err, errors.New("there was no response"))
	}
	return seen, err
}

// schedule determines when the requests of all connections are due.
type schedule struct {
	begin    time.Time
	duration time.Duration
	interval time.Duration // 0: each is due at once

	mu    sync.Mutex
	made  time.Duration // when the next request is due, after begin
	alarm *alarm        // nil if the interval is 0
}

func (l Load) schedule() (*schedule, error) {
	if l.Rate == 0 {
		return &schedule{begin: time.Now(), duration: l.Duration}, nil
	}
	a, err := newAlarm()
	return &schedule{begin: time.Now(), duration: l.Duration, interval: time.Duration(float64(time.Second) / l.Rate), alarm: a}, err
}

func (s *schedule) close() error {
	if s.alarm == nil {
		return nil
	}
	return s.alarm.close()
}

// follow sends requests when they are due and returns how long each took.
func (s *schedule) follow(c *Caller, next func() []byte) ([]time.Duration, error) {
	var took []time.Duration
	for {
		request := next()
		due, err := s.next()
		if err != nil || due.IsZero() {
			return took, err
		}
		if err := c.Call(request); err != nil {
			return took, err
		}
		took = append(took, time.Since(due))
	}
}

// next waits until the next request is due and returns that time; the zero time if there is none.
func (s *schedule) next() (time.Time, error) {
	if s.interval == 0 {
		now := time.Now()
		if now.Sub(s.begin) >= s.duration {
			return time.Time{}, nil
		}
		return now, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made >= s.duration {
		return time.Time{}, nil
	}
	due := s.begin.Add(s.made)
	s.made += s.interval
	return due, s.alarm.sleepUntil(due)
}

// Median returns the median of a figure over a list.
func Median[T any](list []T, of func(T) float64) float64 {
	values := make([]float64, len(list))
	for i := range list {
		values[i] = of(list[i])
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
