//go:build !unix

package postgrestest

import "context"

// Cluster is a private PostgreSQL, which this system does not support.
type Cluster struct{}

// Start returns ErrNone.
func Start(context.Context, ...string) (*Cluster, error) { return nil, ErrNone }

// Restart returns ErrNone.
func (*Cluster) Restart(context.Context) error { return ErrNone }

// Kill returns ErrNone.
func (*Cluster) Kill() error { return ErrNone }

// Stop returns ErrNone.
func (*Cluster) Stop() error { return ErrNone }

// DSN returns no address.
func (*Cluster) DSN(string) string { return "" }
