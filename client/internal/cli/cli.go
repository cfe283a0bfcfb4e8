// Package cli is the pfxr program: flags, environment and a file become a client, and each command is a few of its calls.
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

// commands is the command line. Each flag FOO-BAR can also be given by the environment variable PFXR_FOO_BAR or the line
// foo-bar: of the configuration file; a flag wins over a variable, a variable over the file.
type commands struct {
	connection `group:"Flags of all commands:"`
	Config     configFlag       `group:"Flags of all commands:" help:"File of settings, a YAML map of flags without their dashes (${config})." placeholder:"FILE"`
	Color      string           `group:"Flags of all commands:" enum:"auto,always,never" default:"auto" help:"Colours: auto (on a terminal, unless NO_COLOR is set), always or never." placeholder:"WHEN"`
	Version    kong.VersionFlag `group:"Flags of all commands:" env:"-" help:"Print the version."`

	Get         getCommand         `cmd:"" help:"Print an object."`
	List        listCommand        `cmd:"" help:"Print objects, in the order of their keys."`
	Create      createCommand      `cmd:"" help:"Create an object; the server makes its key."`
	Patch       patchCommand       `cmd:"" help:"Change members of an object."`
	Delete      deleteCommand      `cmd:"" help:"Delete an object."`
	Import      importCommand      `cmd:"" help:"Create the objects of a JSON Lines file. A run that was broken off goes on where it was."`
	Export      exportCommand      `cmd:"" help:"Write all objects as JSON Lines. A run that was broken off goes on where it was."`
	Login       loginCommand       `cmd:"" help:"Get a token from an OpenID issuer and keep it for this server."`
	Logout      logoutCommand      `cmd:"" help:"Forget the token that login keeps for this server."`
	Completion  command.Completion `cmd:"" help:"Print a completion script for a shell, such as: source <(pfxr completion bash)"`
	Complete    command.Complete   `cmd:"" hidden:"" help:"Print the candidates for a word."`
	Man         command.Man        `cmd:"" help:"Print the manual page; pfxr man | man -l - shows it."`
	ShowVersion command.Version    `cmd:"" name:"version" help:"Print the version, the commit and the version of Go."`
}

const description = `Works with pfxRecryptionRequests.

Settings come from flags, then from variables PFXR_…, then from the configuration file. Exit codes: ` + exitCodes

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	terminal bool // err is a terminal: progress can be shown
	colorOut bool
	colorErr bool
}

// Main runs pfxr with args, without the program's name, and returns its exit code; see exit.go.
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

// examples is the part of a command's help that shows its use.
func examples(lines ...string) string {
	return "Examples:\n\n  " + strings.Join(lines, "\n  ")
}
