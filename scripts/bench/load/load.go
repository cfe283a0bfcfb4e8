//go:build linux

package load

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"
)

// Load is a number of connections that send requests for a time.
type Load struct {
	Address     string
	Connections int
	Duration    time.Duration
	// Rate is how many requests are due in a second, whether or not those before them are answered: each is sent by
	// whichever connection is free, and has taken the time from when it was due. With 0, each connection sends its next
	// request when it has the answer to the last.
	Rate float64
	// Requests returns what makes the requests of a connection. Each is sent before the next is made, so that all may be
	// in the same bytes.
	Requests func(connection int) func() []byte
}

// Same is a Load's Requests if all are the same.
func Same(request []byte) func(int) func() []byte {
	return func(int) func() []byte { return func() []byte { return request } }
}

// Seen is what the connections of a Load have seen.
type Seen struct {
	Took    []time.Duration // of each answer, in ascending order
	Elapsed time.Duration   // until the last one
}

// PerSecond returns how many answers there were in a second.
func (s *Seen) PerSecond() float64 { return float64(len(s.Took)) / s.Elapsed.Seconds() }

// Quantile returns the time that a share of the answers has not exceeded: 0.5 is the median.
func (s *Seen) Quantile(share float64) time.Duration {
	return s.Took[min(int(share*float64(len(s.Took))), len(s.Took)-1)]
}

// Run sends the requests. The first of a connection that is not answered with 200 is an error.
func (l Load) Run() (*Seen, error) {
	callers := make([]*Caller, l.Connections)
	for i := range callers {
		c, err := Dial(l.Address)
		if err != nil {
			return nil, err
		}
		defer func() { _ = c.Close() }() // all is answered
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
		err = cmp.Or(err, errors.New("nothing was answered"))
	}
	return seen, err
}

// schedule says when the requests of all connections are due.
type schedule struct {
	begin    time.Time
	duration time.Duration
	interval time.Duration // 0: each is due when somebody asks

	mu    sync.Mutex
	made  time.Duration // after begin, when the next one is due
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

// next waits until the next request is due and returns when that was; the zero time if there is none.
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

// Median returns the median of a figure of the things in list.
func Median[T any](list []T, of func(T) float64) float64 {
	values := make([]float64, len(list))
	for i := range list {
		values[i] = of(list[i])
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
