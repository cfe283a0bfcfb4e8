package command

import (
	"io"
	"time"

	"github.com/alecthomas/kong"
	mangokong "github.com/alecthomas/mango-kong"
	"github.com/muesli/roff"
)

// Man prints the manual page of the program in the language of man(1).
type Man struct{}

// Run prints the page.
func (*Man) Run(w io.Writer, app *kong.Kong) error {
	page := mangokong.NewManPage(1, app.Model)
	_, err := io.WriteString(w, page.Build(&dated{roff.NewDocument(), ReadBuild().Time}))
	return err
}

// dated is a document with the date of the commit instead of today's, so that the output is reproducible.
type dated struct {
	*roff.Document
	date time.Time
}

func (d *dated) Heading(section uint, title, description string, _ time.Time) {
	d.Document.Heading(section, title, description, d.date)
}
