package app

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

// checkIssuers names the invalid flag.
func checkIssuers(issuers, audiences []string) error {
	if err := auth.CheckIssuers(issuers); err != nil {
		return fmt.Errorf("--issuer: %w", err)
	}
	if err := auth.CheckAudiences(audiences); err != nil {
		return fmt.Errorf("--audience: %w", err)
	}
	return nil
}

// issuers returns the issuers of the flags and of --issuer-file.
func (c *Config) issuers() ([]string, error) {
	all := slices.Clone(c.Issuer)
	if c.IssuerFile == "" {
		return all, nil
	}
	text, err := os.ReadFile(c.IssuerFile)
	if err != nil {
		return nil, fmt.Errorf("reading --issuer-file: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	if err := auth.CheckIssuers(all); err != nil {
		return nil, fmt.Errorf("reading --issuer-file: %w", err)
	}
	if len(all) == 0 && !c.Dev {
		return nil, fmt.Errorf("reading --issuer-file: it contains no issuer")
	}
	return all, nil
}

// reloadIssuers trusts the issuers that the file now lists. On a signal it also fetches the keys of all issuers, so that a
// withdrawn key loses effect at once.
func (s *Server) reloadIssuers(ctx context.Context, always bool) {
	if s.config.IssuerFile != "" {
		s.host.reloaded(s.changeIssuers())
	}
	if !always {
		return
	}
	err := s.verifier.Refresh(ctx)
	s.host.reloaded("keys of the issuers", true, err)
}

func (s *Server) changeIssuers() (string, bool, error) {
	issuers, err := s.config.issuers()
	if err != nil || slices.Equal(issuers, s.issuers) {
		return "issuers", false, err
	}
	if err := s.verifier.SetIssuers(issuers); err != nil {
		return "issuers", false, err
	}
	s.issuers = issuers
	return "issuers", true, nil
}
