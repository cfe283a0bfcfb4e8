// Command release writes what a release publishes, and checks what the repository says about releases. It runs at the
// top of a clone, which scripts/release.sh makes from the last commit.
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
	ctx := kong.Parse(&c, kong.Name("release"))
	if err := ctx.Run(); err != nil {
		_, _ = os.Stderr.WriteString("release: " + err.Error() + "\n")
		os.Exit(1)
	}
}
