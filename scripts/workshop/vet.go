package workshop

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// patience is the timeout of a generator for a small document.
const patience = 15 * time.Second

// Vet generates code for a document and runs go vet on it. name is the package name of the models. An error means that
// validategen's output does not compile. leftOut says why the document is inconclusive: a generator rejects it, or
// oapi-codegen's output does not compile.
func (w *Workshop) Vet(ctx context.Context, name string, document []byte) (leftOut string, err error) {
	if err := errors.Join(w.empty(name), w.write("openapi.json", document)); err != nil {
		return "", err
	}
	for _, s := range []step{
		{tool: "oapi-codegen", args: []string{"-config", "config.json", "openapi.json"}},
		{tool: "validategen", args: []string{"-spec", "openapi.json", "-models", "./models", "-package", "valid", "-o", "valid", "-skip-unsupported"}},
	} {
		bounded, cancel := context.WithTimeout(ctx, patience)
		err := w.do(bounded, s)
		late := bounded.Err() != nil
		cancel()
		switch {
		case late && ctx.Err() == nil && s.tool == "oapi-codegen":
			return "oapi-codegen does not end", nil
		case late:
			return "", fmt.Errorf("%s does not end: %w", s.tool, err)
		case err != nil:
			return refusal(err)
		}
	}
	err = w.do(ctx, step{tool: "go", args: []string{"vet", "./models", "./valid"}})
	if err != nil && ofModels.MatchString(err.Error()) {
		return "the models do not compile\n" + err.Error(), nil
	}
	return "", err
}

var ofModels = regexp.MustCompile(`(?m)^(vet: )?\.?/?models/`)

// refusal distinguishes a generator that rejects a document from one that crashes.
func refusal(err error) (string, error) {
	text := err.Error()
	switch {
	case strings.HasPrefix(text, "validategen:") && (strings.Contains(text, "panic:") || strings.Contains(text, "formatting: ")):
		return "", err
	case strings.Contains(text, "loading the models"):
		return "the models do not compile\n" + text, nil
	}
	return text, nil
}
