package cli

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// newProgress returns a progress bar for total objects. Without a terminal it prints nothing.
func newProgress(c *console, what string, total int) *progressbar.ProgressBar {
	w := c.err
	if !c.terminal {
		w = io.Discard
	}
	return progressbar.NewOptions(total, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(w),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("objects"),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0)) // otherwise a goroutine races with the constructor that starts it
}
