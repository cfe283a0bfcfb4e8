// Command pfxr works with pfxRecryptionRequests from the command line. `pfxr --help` lists its commands.
package main

import (
	"os"

	"github.com/pfxrecryption/pfxrecryption/client/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
