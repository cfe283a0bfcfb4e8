package traffic

import (
	"sync"
	"sync/atomic"
	"time"
)

// Minutes is how many minutes are kept, including the current one.
const Minutes = 60

// Outcome is the result of a request. The zero value is Failed.
type Outcome int

const (
	// Failed requests got no complete response from the upstream.
	Failed Outcome = iota
	// Passed requests and their responses have no violation.
	Passed
	// Watched requests have a violation and passed.
	Watched
	// Refused requests did not reach the upstream.
	Refused
	// Replaced requests had their response refused: the client got 502.
	Replaced
	// Outcomes is the number of outcomes.
	Outcomes
)

func (o Outcome) String() string {
	return [Outcomes]string{"failed", "passed", "watched", "refused", "replaced"}[o]
}

// Counts of what enforcing would have refused follow the outcomes.
const (
	wouldRefuse  = int(Outcomes) + iota // the request would be refused
	wouldReplace                        // the request would pass, but its response would be replaced
	wouldBoth                           // the request would be refused; with only responses enforced, its response would be replaced
	numbers
)

// Counts are numbers of requests.
type Counts struct {
	Outcomes [Outcomes]int
	// WouldRefuse counts requests that passed but that enforcing would have refused.
	WouldRefuse int
	// WouldReplace counts other requests whose response passed but that enforcing would have replaced by 502.
	WouldReplace int
	// WouldBoth counts the WouldRefuse requests whose response enforcing would also have replaced, had the request passed.
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

// Preview is how many more requests would fail if both directions were enforced.
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

// minute has the counts of one minute. An hour later it is reused.
type minute struct {
	number atomic.Int64 // since 1970
	counts [numbers]atomic.Uint32
}

// Counter counts the requests of one operation. It is safe for concurrent use.
type Counter struct {
	mu      sync.Mutex // held while a minute is reused
	minutes [Minutes]minute
}

// Pass counts a request without a violation that arrived at the given time.
func (c *Counter) Pass(at time.Time) { c.count(minuteOf(at), int(Passed)) }

func (c *Counter) count(number int64, what int) {
	m := &c.minutes[number%Minutes]
	if m.number.Load() == number || c.begin(m, number) {
		m.counts[what].Add(1)
	}
}

// begin resets m to a minute. It returns false if m already has a later minute: the request took an hour.
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

// read adds the counts of the last hour to those of each minute and to a sum.
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

// tally counts events by minute. It is not safe for concurrent use.
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

// over reports whether everything is older than an hour.
func (t *tally) over(now int64) bool { return now-minuteOf(t.last) >= Minutes }

// over reports whether everything is older than an hour.
func (c *Counter) over(now int64) bool {
	for i := range c.minutes {
		if now-c.minutes[i].number.Load() < Minutes {
			return false
		}
	}
	return true
}
