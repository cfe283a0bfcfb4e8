package traffic

import (
	"sync"
	"sync/atomic"
	"time"
)

// Minutes is how many minutes are remembered, the current one included.
const Minutes = 60

// Outcome is what became of a request. Its zero value is that of a request whose response broke off.
type Outcome int

const (
	// Failed requests got no complete response of the upstream's.
	Failed Outcome = iota
	// Passed requests and responses have no violation.
	Passed
	// Watched ones have a violation and passed.
	Watched
	// Refused requests did not reach the upstream.
	Refused
	// Replaced responses were refused: the client got 502.
	Replaced
	// Outcomes is their number.
	Outcomes
)

func (o Outcome) String() string {
	return [Outcomes]string{"failed", "passed", "watched", "refused", "replaced"}[o]
}

// What enforcing would have refused is counted after the outcomes, by direction.
const (
	wouldRefuse  = int(Outcomes) + iota // the request
	wouldReplace                        // the response to a request that enforcing lets pass
	wouldBoth                           // a response that enforcing responses alone would have replaced as well
	numbers
)

// Counts are numbers of requests.
type Counts struct {
	Outcomes [Outcomes]int
	// WouldRefuse are requests that passed and that enforcing would have refused.
	WouldRefuse int
	// WouldReplace are further requests: their responses passed, and enforcing would have replaced them by 502.
	WouldReplace int
	// WouldBoth are those of WouldRefuse whose response enforcing would have replaced too, had the request passed.
	WouldBoth int
}

// Total is the number of all requests.
func (c *Counts) Total() int {
	n := 0
	for _, of := range c.Outcomes {
		n += of
	}
	return n
}

// Preview is the number of requests that enforcing both directions would have refused in addition.
func (c *Counts) Preview() int { return c.WouldRefuse + c.WouldReplace }

func (c *Counts) sum(other *Counts) {
	for o := range c.Outcomes {
		c.Outcomes[o] += other.Outcomes[o]
	}
	c.WouldRefuse += other.WouldRefuse
	c.WouldReplace += other.WouldReplace
	c.WouldBoth += other.WouldBoth
}

func (c *Counts) add(m *minute) {
	for o := range c.Outcomes {
		c.Outcomes[o] += int(m.counts[o].Load())
	}
	c.WouldRefuse += int(m.counts[wouldRefuse].Load())
	c.WouldReplace += int(m.counts[wouldReplace].Load())
	c.WouldBoth += int(m.counts[wouldBoth].Load())
}

// minute has the counts of one minute, and a later one's an hour later.
type minute struct {
	number atomic.Int64 // since 1970
	counts [numbers]atomic.Uint32
}

// Counter counts the requests of one operation. It is safe for concurrent use.
type Counter struct {
	mu      sync.Mutex // held while a minute takes the place of an older one
	minutes [Minutes]minute
}

// Pass counts a request without a violation that came at a time.
func (c *Counter) Pass(at time.Time) { c.count(minuteOf(at), int(Passed)) }

func (c *Counter) count(number int64, what int) {
	m := &c.minutes[number%Minutes]
	if m.number.Load() == number || c.begin(m, number) {
		m.counts[what].Add(1)
	}
}

// begin makes m the counts of a minute. It reports false if m is that of a later one: the request took an hour.
func (c *Counter) begin(m *minute, number int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.number.Load() < number {
		for i := range m.counts {
			m.counts[i].Store(0)
		}
		m.number.Store(number)
	}
	return m.number.Load() == number
}

// read adds the counts of the last hour to those of its minutes and to a sum.
func (c *Counter) read(now int64, minutes *[Minutes]Counts, sum *Counts) {
	for i := range c.minutes {
		m := &c.minutes[i]
		if age := now - m.number.Load(); 0 <= age && age < Minutes {
			var of Counts
			of.add(m)
			minutes[Minutes-1-age].sum(&of)
			sum.sum(&of)
		}
	}
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// tally counts in minutes. It is not safe for concurrent use.
type tally struct {
	numbers [Minutes]int64
	counts  [Minutes]uint32
	last    time.Time
}

func (t *tally) add(at time.Time) {
	number := minuteOf(at)
	i := number % Minutes
	if t.numbers[i] > number {
		return
	}
	if t.numbers[i] < number {
		t.numbers[i], t.counts[i] = number, 0
	}
	t.counts[i]++
	if at.After(t.last) {
		t.last = at
	}
}

func (t *tally) sum(now int64) int {
	n := 0
	for i, number := range t.numbers {
		if age := now - number; 0 <= age && age < Minutes {
			n += int(t.counts[i])
		}
	}
	return n
}

// over reports whether all of it is an hour ago.
func (t *tally) over(now int64) bool { return now-minuteOf(t.last) >= Minutes }

// over reports whether all of it is an hour ago.
func (c *Counter) over(now int64) bool {
	for i := range c.minutes {
		if now-c.minutes[i].number.Load() < Minutes {
			return false
		}
	}
	return true
}
