// Package command has the commands that the programs of this module share: version, man and completion.
//
//	type commands struct {
//		Man        command.Man        `cmd:"" help:"Print the manual page."`
//		Completion command.Completion `cmd:"" help:"Print a completion script for a shell."`
//		Complete   command.Complete   `cmd:"" hidden:"" help:"Print the candidates for a word."`
//		Version    command.Version    `cmd:"" help:"Print the version, the commit and the version of Go."`
//	}
//
// Each command prints to the [io.Writer] that is bound to the kong parser. Pass the parser itself to Run.
package command

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/alecthomas/kong"
)

// Build describes how a program was built.
type Build struct {
	Version string    // the tag, a pseudo-version, or "(devel)" if the program was built without version control
	Commit  string    // the full hash, or "" if unknown
	Time    time.Time // of the commit; zero if unknown
	Go      string    // the version of Go, such as "go1.26.8"
}

// ReadBuild returns the build information of the running program.
func ReadBuild() Build {
	b := Build{Version: "(devel)", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = cmp.Or(info.Main.Version, b.Version)
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.Commit = setting.Value
		case "vcs.time":
			b.Time, _ = time.Parse(time.RFC3339, setting.Value) // zero if Go ever writes another form
		}
	}
	return b
}

// Version prints the line that a fault report needs.
type Version struct{}

// Run prints one line: the program, its version, its commit, the version of Go, and the platform.
func (*Version) Run(w io.Writer, app *kong.Kong) error {
	b := ReadBuild()
	_, err := fmt.Fprintf(w, "%s %s (commit %s, %s, %s/%s)\n", app.Model.Name, b.Version, cmp.Or(b.Commit, "unknown"), b.Go, runtime.GOOS, runtime.GOARCH)
	return err
}
