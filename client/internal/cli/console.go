package cli

import (
	"io"
	"os"

	"github.com/fatih/color"
	"github.com/mattn/go-isatty"
)

func newConsole(when string, stdin io.Reader, stdout, stderr io.Writer) *console {
	colored := func(w io.Writer) bool {
		return when == "always" || when != "never" && os.Getenv("NO_COLOR") == "" && isTerminal(w)
	}
	return &console{in: stdin, out: stdout, err: stderr, terminal: isTerminal(stderr), colorOut: colored(stdout), colorErr: colored(stderr)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// paint returns text in a colour if on.
func paint(on bool, text string, attributes ...color.Attribute) string {
	c := color.New(attributes...)
	if on {
		c.EnableColor()
	} else {
		c.DisableColor()
	}
	return c.Sprint(text)
}
