// Package app is the pfxrd program: flags and environment become a configuration, the configuration becomes listeners,
// and a signal drains them.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/pfxrecryption/pfxrecryption/client/command"
)

// Exit codes.
const (
	exitOK    = 0
	exitFail  = 1
	exitUsage = 2
)

// commands is the command line. Each flag FOO-BAR can also be given by the environment variable PFXR_FOO_BAR; a flag
// wins.
type commands struct {
	LogLevel  slog.Level `default:"info" help:"The least level of lines in the log: debug, info, warn or error (${default}). Requests are info, and error from status 500 on." placeholder:"LEVEL"`
	LogFormat string     `default:"json" enum:"json,text" help:"json or text, a line each (${default})." placeholder:"FORM"`

	Serve   serveCommand     `cmd:"" help:"Serve the API."`
	Gateway gatewayCommand   `cmd:"" help:"Validate what passes to and from an upstream."`
	Mock    mockCommand      `cmd:"" help:"Answer for an API that does not exist yet, from its document."`
	Copy    copyCommand      `cmd:"" help:"Copy all objects to another store."`
	Audit   auditCommand     `cmd:"" help:"Read and check the audit trail of a store."`
	Token   tokenCommand     `cmd:"" help:"Print a token of a development server."`
	Spec    specCommand      `cmd:"" help:"Print the OpenAPI document, as one file."`
	Version kong.VersionFlag `env:"-" help:"Print the version."`

	Completion  command.Completion `cmd:"" help:"Print a completion script for a shell, such as: source <(pfxrd completion bash)"`
	Complete    command.Complete   `cmd:"" hidden:"" help:"Print the candidates for a word."`
	Man         command.Man        `cmd:"" help:"Print the manual page; pfxrd man | man -l - shows it."`
	ShowVersion command.Version    `cmd:"" name:"version" help:"Print the version, the commit and the version of Go."`
}

// Main runs pfxrd with args, without the program's name, and returns its exit code: 0 when all went well or help was
// asked for, 1 when it failed, 2 when it was called wrongly.
func Main(args []string, stdout, stderr io.Writer) int {
	lines := newLogWriter(stderr)
	code, err := run(args, stdout, stderr, lines)
	_ = lines.Close() // who does not read the log does not read this error either
	if err != nil {
		fmt.Fprintf(stderr, "pfxrd: %v\n", err)
	}
	return code
}

func run(args []string, stdout, stderr io.Writer, lines *logWriter) (int, error) {
	exit := -1
	var c commands
	parser, err := kong.New(&c,
		kong.Name("pfxrd"), kong.Description("A server for Microsoft Graph's pfxRecryptionRequest."),
		kong.DefaultEnvars("PFXR"), kong.Vars{"version": command.ReadBuild().Version},
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }),
		kong.BindTo(stdout, (*io.Writer)(nil)), kong.Bind(newProgress(stderr)),
	)
	if err != nil {
		panic(err) // the commands above are at fault, not the caller
	}
	chosen, err := parser.Parse(args)
	switch {
	case exit >= 0: // help or version was printed
		return exit, nil
	case err != nil:
		return exitUsage, errors.Join(checkEnvironment(parser.Model, os.Environ()), err)
	}
	if err := checkEnvironment(parser.Model, os.Environ()); err != nil {
		return exitUsage, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	chosen.BindTo(ctx, (*context.Context)(nil))
	chosen.Bind(lines.logger(c.LogFormat, c.LogLevel))
	if err := chosen.Run(parser); err != nil {
		return exitFail, err
	}
	return exitOK, nil
}
