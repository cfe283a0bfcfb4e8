// Command pfxrd serves the pfxRecryptionRequest API. `pfxrd --help` lists its commands.
package main

import (
	"os"

	"github.com/pfxrecryption/pfxrecryption/server/internal/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr)) }
