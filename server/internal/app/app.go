// Package app is the pfxrd program. It reads flags and environment variables into a configuration, opens the listeners, and
// drains them on SIGTERM or SIGINT.
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

// commands is the command line. The environment variable PFXR_FOO_BAR sets the flag --foo-bar; the flag wins.
type commands struct {
	LogLevel  slog.Level `default:"info" help:"The lowest log level: debug, info, warn or error (${default}). Requests are logged at info, those with a status of 500 or higher at error." placeholder:"LEVEL"`
	LogFormat string     `default:"json" enum:"json,text" help:"The format of the log, one line for each event: json or text (${default})." placeholder:"FORM"`

	Serve   serveCommand     `cmd:"" help:"Serve the API."`
	Gateway gatewayCommand   `cmd:"" help:"Validate the requests to an upstream and its responses."`
	Mock    mockCommand      `cmd:"" help:"Respond like an API that does not exist yet, from its OpenAPI document."`
	Copy    copyCommand      `cmd:"" help:"Copy all objects to another store."`
	Audit   auditCommand     `cmd:"" help:"Read and check the audit trail of a store."`
	Token   tokenCommand     `cmd:"" help:"Print a token from a development server."`
	Spec    specCommand      `cmd:"" help:"Print the OpenAPI document as one file."`
	Version kong.VersionFlag `env:"-" help:"Print the version."`

	Completion  command.Completion `cmd:"" help:"Print a completion script for a shell, such as: source <(pfxrd completion bash)"`
	Complete    command.Complete   `cmd:"" hidden:"" help:"Print the candidates for a word."`
	Man         command.Man        `cmd:"" help:"Print the manual page; to read it: pfxrd man | man -l -"`
	ShowVersion command.Version    `cmd:"" name:"version" help:"Print the version, the commit and the Go version."`
}

// Main runs pfxrd with args, which exclude the program's name. It returns the exit code: 0 for success or help, 1 for a
// failure, 2 for a usage error.
func Main(args []string, stdout, stderr io.Writer) int {
	lines := newLogWriter(stderr)
	code, err := run(args, stdout, stderr, lines)
	_ = lines.Close() // if the log cannot be written, neither can this error
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
		panic(err) // a bug in the commands above
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
