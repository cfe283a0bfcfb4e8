package sqlite

import (
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite/sqlitemigration"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// schema lists every step from an empty file to the current table. Only add steps: files exist that have run the present
// ones. The length of the list is the file's user_version.
//
// Text is compared and kept byte for byte (collation BINARY, encoding UTF-8). A time is stored as the text that the client
// sent.
var schema = sqlitemigration.Schema{
	AppID: 0x70667872, // "pfxr"
	Migrations: []string{`
CREATE TABLE request (
	tenant_id             BLOB    NOT NULL CHECK (length(tenant_id) = 16),
	id                    TEXT    NOT NULL,
	version               INTEGER NOT NULL,
	user_id               BLOB    NOT NULL CHECK (length(user_id) = 16),
	device_id             BLOB    NOT NULL CHECK (length(device_id) = 16),
	profile_id            BLOB    NOT NULL CHECK (length(profile_id) = 16),
	thumbprint            TEXT,
	device_key_thumbprint TEXT,
	status                INTEGER NOT NULL,
	source_type           INTEGER NOT NULL,
	created_time          TEXT    NOT NULL,
	last_modified_time    TEXT    NOT NULL,
	is_deleted            INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
	e_tag                 TEXT,
	PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID`, `
CREATE TABLE audit_chain (
	chain        BLOB    NOT NULL PRIMARY KEY CHECK (length(chain) = 16),
	number       INTEGER NOT NULL,
	hash         BLOB    NOT NULL CHECK (length(hash) = 32),
	removed      INTEGER NOT NULL,
	removed_hash BLOB    NOT NULL CHECK (length(removed_hash) = 32)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_block (
	chain   BLOB    NOT NULL CHECK (length(chain) = 16),
	number  INTEGER NOT NULL,
	records TEXT    NOT NULL,
	PRIMARY KEY (chain, number)
) STRICT, WITHOUT ROWID;
CREATE VIEW audit_record AS
SELECT chain, number + record.key AS number, number AS block,
	record.value ->> 0 AS time, record.value ->> 1 AS action, unhex(record.value ->> 2, '-') AS tenant_id,
	record.value ->> 3 AS object_id, record.value ->> 4 AS before, record.value ->> 5 AS after,
	record.value ->> 6 AS subject, record.value ->> 7 AS app, record.value ->> 8 AS token, record.value ->> 9 AS request,
	record.value ->> 10 AS changes, unhex(record.value ->> 11) AS hash
FROM audit_block, json_each(records) AS record`,
		// In a table WITHOUT ROWID, each insert compared whole blocks, from all of their pages. Blocks are copied twice: ALTER
		// TABLE RENAME opens the temporary database, after which SQLite refuses every checkpoint. A record may have a number instead
		// of a text: the index of the record in the block that has the text.
		`
DROP VIEW audit_record;
CREATE TABLE earlier_block AS SELECT * FROM audit_block ORDER BY chain, number;
DROP TABLE audit_block;
CREATE TABLE audit_block (
	chain   BLOB    NOT NULL CHECK (length(chain) = 16),
	number  INTEGER NOT NULL,
	records TEXT    NOT NULL,
	PRIMARY KEY (chain, number)
) STRICT;
INSERT INTO audit_block SELECT * FROM earlier_block ORDER BY rowid;
DROP TABLE earlier_block;
CREATE VIEW audit_record AS
SELECT chain, number + record.key AS number, number AS block, record.value ->> 0 AS time,
	(CASE json_type(record.value, '$[1]') WHEN 'integer' THEN records -> (record.value ->> 1) ELSE record.value END) ->> 1 AS action,
	unhex((CASE json_type(record.value, '$[2]') WHEN 'integer' THEN records -> (record.value ->> 2) ELSE record.value END) ->> 2, '-') AS tenant_id,
	record.value ->> 3 AS object_id, record.value ->> 4 AS before, record.value ->> 5 AS after,
	(CASE json_type(record.value, '$[6]') WHEN 'integer' THEN records -> (record.value ->> 6) ELSE record.value END) ->> 6 AS subject,
	(CASE json_type(record.value, '$[7]') WHEN 'integer' THEN records -> (record.value ->> 7) ELSE record.value END) ->> 7 AS app,
	(CASE json_type(record.value, '$[8]') WHEN 'integer' THEN records -> (record.value ->> 8) ELSE record.value END) ->> 8 AS token,
	record.value ->> 9 AS request,
	(CASE json_type(record.value, '$[10]') WHEN 'integer' THEN records -> (record.value ->> 10) ELSE record.value END) ->> 10 AS changes,
	unhex(record.value ->> 11) AS hash
FROM audit_block, json_each(records) AS record`},
}

// statements are the ones that assign members. A test replaces them by others that leave a member out.
type statements struct{ insert, put, update string }

var usualStatements = statements{insertRequest, putRequest, updateRequest}

// columnNames are all columns of the table in the parameter order of the storing statements: the key, the version, then the
// members.
var columnNames = func() []string {
	names := []string{"tenant_id", "id", "version"}
	for i := range pfx.Changeable {
		names = append(names, pfx.Changeable[i].Column)
	}
	return names
}()

// each applies format to each column and joins the results with commas. %[1]s is the column and %[2]d the number of its
// parameter, starting with first.
func each(format string, names []string, first int) string {
	items := make([]string, len(names))
	for i, name := range names {
		items[i] = fmt.Sprintf(format, name, first+i)
	}
	return strings.Join(items, ", ")
}

// The statements of a store. The first two parameters are always the key, which begins with the tenant.
var (
	columns = each("%[1]s", columnNames[1:], 0)

	selectRequest = `
SELECT ` + columns + `
FROM request WHERE tenant_id = ?1 AND id = ?2`

	// The conditions of a filter follow listRequests and countRequests.
	listRequests = `
SELECT ` + columns + `
FROM request WHERE tenant_id = ?1 AND id > ?2`

	insertRequest = `
INSERT INTO request (` + each("%[1]s", columnNames, 1) + `)
VALUES (` + each("?%[2]d", columnNames, 1) + `)
ON CONFLICT DO NOTHING`

	// putRequest has the parameters of insertRequest.
	putRequest = `
INSERT OR REPLACE INTO request (` + each("%[1]s", columnNames, 1) + `)
VALUES (` + each("?%[2]d", columnNames, 1) + `)`

	scanRequests = `
SELECT ` + columns + `, tenant_id
FROM request WHERE (tenant_id, id) > (?1, ?2) ORDER BY tenant_id, id`

	updateRequest = `
UPDATE request SET ` + each("%[1]s = ?%[2]d", columnNames[2:], 3) + `
WHERE tenant_id = ?1 AND id = ?2`
)

const (
	countRequests = `
SELECT count(*) FROM request WHERE tenant_id = ?1`

	deleteRequest = `
DELETE FROM request WHERE tenant_id = ?1 AND id = ?2`

	selectAny = `SELECT 1 FROM request LIMIT 1`
)
