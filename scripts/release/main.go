// Command release writes the files of a release, and checks what the repository says about releases. It works in the top
// folder of a repository; to build, scripts/release.sh runs it in a clone of the last commit.
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
