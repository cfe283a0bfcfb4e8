package app

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
)

// progressEvery is the interval between lines where there is no terminal.
const progressEvery = 5 * time.Second

// progress shows the progress of a long command: continuously on a terminal, elsewhere with a line every few seconds.
type progress struct {
	io.Writer // for other messages
	terminal  bool
	now       func() time.Time

	what        string
	bar         *progressbar.ProgressBar
	begun, said time.Time
	count       int
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{Writer: w, terminal: ok && isatty.IsTerminal(f.Fd()), now: time.Now}
}

// begin starts a part of the command, such as copying.
func (p *progress) begin(what string) {
	p.what, p.count, p.begun = what, 0, p.now()
	p.said = p.begun
	if p.terminal {
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(p.Writer),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("objects"),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
}

// add counts n more objects.
func (p *progress) add(n int) {
	p.count += n
	if p.bar != nil {
		_ = p.bar.Add(n) // the terminal may be gone
		return
	}
	if now := p.now(); now.Sub(p.said) >= progressEvery {
		p.said = now
		fmt.Fprintf(p, "%s: %d objects, %d a second\n", p.what, p.count, p.rate())
	}
}

// rate returns the objects per second since begin.
func (p *progress) rate() int {
	return int(float64(p.count) / max(p.now().Sub(p.begun).Seconds(), 1e-3))
}

// end ends the part that begin started.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish() // the terminal may be gone
		p.bar = nil
	}
}
