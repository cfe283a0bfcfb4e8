package cli

import (
	"fmt"

	"github.com/alecthomas/kong"
	mangokong "github.com/alecthomas/mango-kong"
	"github.com/muesli/roff"
)

type manCommand struct{}

func (*manCommand) Help() string {
	return examples("pfxr man | man -l -", "pfxr man > /usr/local/share/man/man1/pfxr.1")
}

// Run prints the manual page in the language of man(1).
func (*manCommand) Run(c *console, app *kong.Kong) error {
	page := mangokong.NewManPage(1, app.Model)
	_, err := fmt.Fprint(c.out, page.Build(roff.NewDocument()))
	return err
}
