-- The audit trail. A record is chained to the one before it by its hash; a chain has one writer, and no record waits for one
-- of another chain. Its head has its last record, and the last one that was removed because of its age.

-- +goose Up
CREATE TABLE audit_chain (
	chain        uuid   NOT NULL PRIMARY KEY,
	number       bigint NOT NULL,
	hash         bytea  NOT NULL,
	removed      bigint NOT NULL,
	removed_hash bytea  NOT NULL
);
CREATE TABLE audit_record (
	chain     uuid             NOT NULL,
	number    bigint           NOT NULL,
	time      bigint           NOT NULL,
	action    text COLLATE "C" NOT NULL,
	tenant_id uuid             NOT NULL,
	object_id text COLLATE "C" NOT NULL,
	before    bigint           NOT NULL,
	after     bigint           NOT NULL,
	subject   text COLLATE "C" NOT NULL,
	app       text COLLATE "C" NOT NULL,
	token     text COLLATE "C" NOT NULL,
	request   text COLLATE "C" NOT NULL,
	changes   text COLLATE "C" NOT NULL,
	hash      bytea            NOT NULL,
	PRIMARY KEY (chain, number)
);
