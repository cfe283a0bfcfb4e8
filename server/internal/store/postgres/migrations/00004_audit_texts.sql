-- A record may have a number instead of a text: the index of the record in the block that has the text.

-- +goose Up
CREATE OR REPLACE VIEW audit_record AS
SELECT chain, number + record.n - 1 AS number, number AS block, (value ->> 0)::bigint AS time,
	(CASE jsonb_typeof(value -> 1) WHEN 'number' THEN list -> (value ->> 1)::integer ELSE value END ->> 1) COLLATE "C" AS action,
	(CASE jsonb_typeof(value -> 2) WHEN 'number' THEN list -> (value ->> 2)::integer ELSE value END ->> 2)::uuid AS tenant_id,
	(value ->> 3) COLLATE "C" AS object_id, (value ->> 4)::bigint AS before, (value ->> 5)::bigint AS after,
	(CASE jsonb_typeof(value -> 6) WHEN 'number' THEN list -> (value ->> 6)::integer ELSE value END ->> 6) COLLATE "C" AS subject,
	(CASE jsonb_typeof(value -> 7) WHEN 'number' THEN list -> (value ->> 7)::integer ELSE value END ->> 7) COLLATE "C" AS app,
	(CASE jsonb_typeof(value -> 8) WHEN 'number' THEN list -> (value ->> 8)::integer ELSE value END ->> 8) COLLATE "C" AS token,
	(value ->> 9) COLLATE "C" AS request,
	(CASE jsonb_typeof(value -> 10) WHEN 'number' THEN list -> (value ->> 10)::integer ELSE value END ->> 10) COLLATE "C" AS changes,
	decode(value ->> 11, 'hex') AS hash
FROM audit_block,
	LATERAL (SELECT records::jsonb AS list OFFSET 0) AS block, -- OFFSET 0: it is parsed once, not for each of its texts
	jsonb_array_elements(list) WITH ORDINALITY AS record (value, n);
