-- Text is compared and ordered byte for byte, whatever the database's own collation is. A time is the text it was
-- written in; beside it stand the bytes that are equal for equal instants, null for no time.
--
-- Each index is led by the tenant and ended by the id: the requests of a tenant with one value of a member are one range
-- of it, in the order of a list.

-- +goose Up
CREATE TABLE request (
	tenant_id             uuid             NOT NULL,
	id                    text COLLATE "C" NOT NULL,
	version               bigint           NOT NULL,
	user_id               uuid             NOT NULL,
	device_id             uuid             NOT NULL,
	profile_id            uuid             NOT NULL,
	thumbprint            text COLLATE "C",
	device_key_thumbprint text COLLATE "C",
	status                integer          NOT NULL,
	source_type           integer          NOT NULL,
	created_time          text COLLATE "C" NOT NULL,
	created_instant       bytea,
	last_modified_time    text COLLATE "C" NOT NULL,
	last_modified_instant bytea,
	is_deleted            boolean          NOT NULL,
	e_tag                 text COLLATE "C",
	PRIMARY KEY (tenant_id, id)
);
CREATE INDEX request_user_id               ON request (tenant_id, user_id, id);
CREATE INDEX request_device_id             ON request (tenant_id, device_id, id);
CREATE INDEX request_profile_id            ON request (tenant_id, profile_id, id);
CREATE INDEX request_thumbprint            ON request (tenant_id, thumbprint, id);
CREATE INDEX request_device_key_thumbprint ON request (tenant_id, device_key_thumbprint, id);
CREATE INDEX request_status                ON request (tenant_id, status, id);
CREATE INDEX request_source_type           ON request (tenant_id, source_type, id);
CREATE INDEX request_created_instant       ON request (tenant_id, created_instant, id);
CREATE INDEX request_last_modified_instant ON request (tenant_id, last_modified_instant, id);
CREATE INDEX request_is_deleted            ON request (tenant_id, is_deleted, id);
CREATE INDEX request_e_tag                 ON request (tenant_id, e_tag, id);
