package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// host is one host of an address, with the TLS modes to try.
type host []*pgconn.FallbackConfig

// hostsOf returns the hosts of an address in their order.
func hostsOf(c *pgx.ConnConfig) []host {
	ways := append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	var hosts []host
	for _, way := range ways {
		if n := len(hosts); n > 0 && hosts[n-1][0].Host == way.Host && hosts[n-1][0].Port == way.Port {
			hosts[n-1] = append(hosts[n-1], way)
			continue
		}
		hosts = append(hosts, host{way})
	}
	return hosts
}

// setHosts makes connections try these hosts in this order.
func setHosts(c *pgx.ConnConfig, hosts ...host) {
	ways := slices.Concat(hosts...)
	c.Host, c.Port, c.TLSConfig, c.Fallbacks = ways[0].Host, ways[0].Port, ways[0].TLSConfig, ways[1:]
}

// findHost finds a host that accepts connections of the wanted kind and puts it first. pgx tries the hosts in order too,
// but stops at one that reports a wrong password or a missing database, as a standby does of a new one.
func (s *settings) findHost(ctx context.Context) error {
	hosts := hostsOf(s.migrate)
	if len(hosts) == 1 {
		return nil
	}
	var errs []error
	for i, h := range hosts {
		one := s.migrate.Copy()
		setHosts(one, h)
		conn, err := pgx.ConnectConfig(ctx, one)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		others := slices.Delete(slices.Clone(hosts), i, i+1)
		for _, c := range []*pgx.ConnConfig{s.migrate, s.pool.ConnConfig, s.writers.ConnConfig} {
			setHosts(c, append([]host{h}, others...)...)
		}
		return conn.Close(ctx)
	}
	return errors.Join(errs...)
}
