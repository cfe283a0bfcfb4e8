package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// configFlag names a configuration file to read instead of the default one. The file must exist.
type configFlag string

// BeforeResolve reads the file before kong resolves the other flags.
func (f configFlag) BeforeResolve(_ *kong.Kong, ctx *kong.Context, trace *kong.Path) error {
	path, ok := ctx.FlagValue(trace.Flag).(configFlag)
	if !ok || path == "" {
		return nil
	}
	text, err := os.ReadFile(string(path))
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	resolver, err := loadConfig(bytes.NewReader(text))
	if err != nil {
		return err
	}
	ctx.AddResolver(resolver)
	return nil
}

// defaultConfig returns the path of the configuration file that is read if it exists.
func defaultConfig() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "pfxr", "config.yaml")
}

// settings are the entries of a configuration file.
type settings map[string]any

func loadConfig(r io.Reader) (kong.Resolver, error) {
	var s settings
	if err := yaml.NewDecoder(r).Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New("the configuration file must be a YAML map of flags without their dashes, such as server: https://…")
	}
	return s, nil
}

// Validate refuses a setting that is no flag of any command.
func (s settings) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known[flag.Name] = true
		}
		return next(nil)
	})
	for name := range s {
		if !known[name] {
			return fmt.Errorf("the configuration file has the setting %q, which does not exist", name)
		}
	}
	return nil
}

// Resolve returns the setting of a flag, unless its environment variable is set.
func (s settings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if os.Getenv(name) != "" {
			return nil, nil
		}
	}
	if v, ok := s[flag.Name]; ok {
		return v, nil
	}
	return nil, nil
}
