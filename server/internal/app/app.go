// Package app is the pfxrd program: flags and environment become a configuration, the configuration becomes listeners,
// and a signal drains them.
package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/pfxrecryption/pfxrecryption/openapi"
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
	Serve   serveCommand     `cmd:"" help:"Serve the API."`
	Gateway gatewayCommand   `cmd:"" help:"Validate what passes to and from an upstream."`
	Copy    copyCommand      `cmd:"" help:"Copy all objects to another store."`
	Audit   auditCommand     `cmd:"" help:"Read and check the audit trail of a store."`
	Token   tokenCommand     `cmd:"" help:"Print a token of a development server."`
	Spec    specCommand      `cmd:"" help:"Print openapi.yaml."`
	Version kong.VersionFlag `env:"-" help:"Print the version."`
}

// Main runs pfxrd with args, without the program's name, and returns its exit code: 0 when all went well or help was
// asked for, 1 when it failed, 2 when it was called wrongly.
func Main(args []string, stdout, stderr io.Writer) int {
	lines := newLogWriter(stderr)
	code, err := run(args, stdout, stderr, slog.New(slog.NewJSONHandler(lines, nil)))
	_ = lines.Close() // who does not read the log does not read this error either
	if err != nil {
		fmt.Fprintf(stderr, "pfxrd: %v\n", err)
	}
	return code
}

func run(args []string, stdout, stderr io.Writer, log *slog.Logger) (int, error) {
	exit := -1
	parser, err := kong.New(&commands{},
		kong.Name("pfxrd"), kong.Description("A server for Microsoft Graph's pfxRecryptionRequest."),
		kong.DefaultEnvars("PFXR"), kong.Vars{"version": version()},
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }),
		kong.BindTo(stdout, (*io.Writer)(nil)), kong.Bind(log, newProgress(stderr)),
	)
	if err != nil {
		panic(err) // the commands above are at fault, not the caller
	}
	command, err := parser.Parse(args)
	switch {
	case exit >= 0: // help or version was printed
		return exit, nil
	case err != nil:
		return exitUsage, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(); err != nil {
		return exitFail, err
	}
	return exitOK, nil
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

type specCommand struct{}

func (specCommand) Run(stdout io.Writer) error {
	_, err := stdout.Write(openapi.Document)
	return err
}
