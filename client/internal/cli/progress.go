package cli

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// newProgress returns a bar of so many objects, on a terminal, and nothing visible elsewhere.
func newProgress(c *console, what string, total int) *progressbar.ProgressBar {
	w := c.err
	if !c.terminal {
		w = io.Discard
	}
	return progressbar.NewOptions(total, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(w),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("objects"),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0)) // else a goroutine races with the constructor that starts it
}
