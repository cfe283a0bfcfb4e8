// Package cli is the program pfxr. It makes a client from flags, environment and configuration file; each command makes
// calls with it.
package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/pfxrecryption/pfxrecryption/client/command"
)

// commands is the command line. The flag FOO-BAR can also be set by the environment variable PFXR_FOO_BAR or the line
// foo-bar: of the configuration file. A flag overrides a variable, a variable the file.
type commands struct {
	connection `group:"Flags of all commands:"`
	Config     configFlag       `group:"Flags of all commands:" help:"Configuration file, a YAML map of flags without their dashes (${config})." placeholder:"FILE"`
	Color      string           `group:"Flags of all commands:" enum:"auto,always,never" default:"auto" help:"Colours: auto (on a terminal, unless NO_COLOR is set), always or never." placeholder:"WHEN"`
	Version    kong.VersionFlag `group:"Flags of all commands:" env:"-" help:"Print the version."`

	Get         getCommand         `cmd:"" help:"Print an object."`
	List        listCommand        `cmd:"" help:"Print objects, in the order of their keys."`
	Create      createCommand      `cmd:"" help:"Create an object; the server makes its key."`
	Patch       patchCommand       `cmd:"" help:"Change members of an object."`
	Delete      deleteCommand      `cmd:"" help:"Delete an object."`
	Import      importCommand      `cmd:"" help:"Create the objects of a JSON Lines file. Resumes an interrupted run."`
	Export      exportCommand      `cmd:"" help:"Write all objects as JSON Lines. Resumes an interrupted run."`
	Login       loginCommand       `cmd:"" help:"Get a token from an OpenID issuer and store it for this server."`
	Logout      logoutCommand      `cmd:"" help:"Delete the token that login stored for this server."`
	Completion  command.Completion `cmd:"" help:"Print a completion script for a shell, such as: source <(pfxr completion bash)"`
	Complete    command.Complete   `cmd:"" hidden:"" help:"Print the candidates for a word."`
	Man         command.Man        `cmd:"" help:"Print the manual page; to read it: pfxr man | man -l -"`
	ShowVersion command.Version    `cmd:"" name:"version" help:"Print the version, the commit and the version of Go."`
}

const description = `Works with pfxRecryptionRequests.

Settings come from flags, then from variables PFXR_…, then from the configuration file. Exit codes: ` + exitCodes

// console has the streams that a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	terminal bool // err is a terminal, so progress can be shown
	colorOut bool
	colorErr bool
}

// Main runs pfxr with args, which exclude the program's name, and returns its exit code; see exit.go.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	exit := -1
	var c commands
	parser, err := kong.New(&c,
		kong.Name("pfxr"), kong.Description(description), kong.DefaultEnvars("PFXR"),
		kong.Vars{"version": command.ReadBuild().Version, "config": defaultConfig()},
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }),
		kong.BindTo(stdout, (*io.Writer)(nil)), kong.Configuration(loadConfig, defaultConfig()),
	)
	if err != nil {
		return complain(&console{err: stderr}, &c.connection, &usageError{err}) // the configuration file cannot be read
	}
	chosen, err := parser.Parse(args)
	out := newConsole(c.Color, stdin, stdout, stderr)
	switch {
	case exit >= 0: // help or version was printed
		return exit
	case err != nil:
		return complain(out, &c.connection, &usageError{err})
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	chosen.BindTo(ctx, (*context.Context)(nil))
	if err := chosen.Run(out, &c.connection, parser); err != nil {
		return complain(out, &c.connection, err)
	}
	return exitOK
}

// examples returns the part of a command's help that shows its use.
func examples(lines ...string) string {
	return "Examples:\n\n  " + strings.Join(lines, "\n  ")
}
