// Command release writes what a release publishes, and checks what the repository says about releases. It works at the
// top of the repository that it is called in; to build, scripts/release.sh calls it in a clone of the last commit.
package main

import (
	"os"

	"github.com/alecthomas/kong"
)

type commands struct {
	Build    buildCommand    `cmd:"" help:"Write programs, packages, image, SBOM and provenance."`
	Licenses licensesCommand `cmd:"" help:"List the licence of every dependency of the programs."`
	Notes    notesCommand    `cmd:"" help:"Add the commits since the last tag to .github/CHANGELOG.md."`
}

func main() {
	var c commands
	command := kong.Parse(&c, kong.Name("release"))
	top, err := git("rev-parse", "--show-toplevel")
	command.FatalIfErrorf(err)
	command.FatalIfErrorf(os.Chdir(top[0]))
	command.FatalIfErrorf(command.Run())
}
