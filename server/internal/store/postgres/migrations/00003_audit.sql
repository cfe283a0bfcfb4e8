-- The audit trail. A record is chained to the one before it by its hash; a chain has one writer, and no record waits for one
-- of another chain. The records of a transaction are one row: a JSON array of arrays, which the view audit_record shows as
-- rows. The head of a chain has its last record, and the last one that was removed because of its age.

-- +goose Up
CREATE TABLE audit_chain (
	chain        uuid   NOT NULL PRIMARY KEY,
	number       bigint NOT NULL,
	hash         bytea  NOT NULL,
	removed      bigint NOT NULL,
	removed_hash bytea  NOT NULL
);
CREATE TABLE audit_block (
	chain   uuid   NOT NULL,
	number  bigint NOT NULL,
	records text   NOT NULL,
	PRIMARY KEY (chain, number)
);
-- Compression would take longer than it saves.
ALTER TABLE audit_block ALTER COLUMN records SET STORAGE EXTERNAL;
CREATE VIEW audit_record AS
SELECT chain, number + record.n - 1 AS number, number AS block,
	(value ->> 0)::bigint AS time, (value ->> 1) COLLATE "C" AS action, (value ->> 2)::uuid AS tenant_id,
	(value ->> 3) COLLATE "C" AS object_id, (value ->> 4)::bigint AS before, (value ->> 5)::bigint AS after,
	(value ->> 6) COLLATE "C" AS subject, (value ->> 7) COLLATE "C" AS app, (value ->> 8) COLLATE "C" AS token,
	(value ->> 9) COLLATE "C" AS request, (value ->> 10) COLLATE "C" AS changes, decode(value ->> 11, 'hex') AS hash
FROM audit_block, jsonb_array_elements(records::jsonb) WITH ORDINALITY AS record (value, n);
