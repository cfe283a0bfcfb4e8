//go:build long

package postgres

import "testing"

// TestStoreAlone keeps the contract with updates that do not share commits.
func TestStoreAlone(t *testing.T) {
	t.Parallel()
	testStore(t, false)
}

// TestAuditAlone keeps the contract of the audit trail with updates that do not share commits.
func TestAuditAlone(t *testing.T) {
	t.Parallel()
	testAudit(t, false)
}
