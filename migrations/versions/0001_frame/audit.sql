CREATE TABLE audit_entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    body bytea NOT NULL CHECK (octet_length(body) <= 65535)
);
CREATE INDEX audit_entry_xid ON audit_entry (xid, id);

-- What links an entry to a person: erasable, so that the log itself never has to change.
CREATE TABLE audit_opening (
    contact_id uuid NOT NULL,
    entry_id bigint NOT NULL,
    position integer NOT NULL,
    nonce bytea NOT NULL,
    PRIMARY KEY (contact_id, entry_id, position)
);

-- Of an entry about more than 500: the commitments under the root that stands in it, 32 bytes each, in order.
CREATE TABLE audit_commitment (
    entry_id bigint PRIMARY KEY,
    hashes bytea NOT NULL
);

CREATE TABLE audit_leaf (
    leaf_index bigint PRIMARY KEY,
    entry_id bigint NOT NULL UNIQUE,
    hash bytea NOT NULL
);
CREATE TABLE audit_tile (
    level smallint NOT NULL,
    tile_index bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (level, tile_index)
);
CREATE TABLE audit_checkpoint (
    size bigint PRIMARY KEY,
    root bytea NOT NULL,
    note text NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE audit_state (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    system_identifier text NOT NULL,
    prev_xmin xid8 NOT NULL,
    floor_id bigint NOT NULL DEFAULT 0,
    origin text NOT NULL,
    generation integer NOT NULL DEFAULT 1
);

-- The log begins with the database: its name is random, and it is seated in this cluster.
INSERT INTO audit_state (system_identifier, prev_xmin, origin)
SELECT system_identifier::text, '0'::xid8, 'zgoda/' || replace(gen_random_uuid()::text, '-', '') || '/log'
FROM pg_control_system();

CREATE TRIGGER audit_entry_fixed BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_entry_kept BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_leaf_fixed BEFORE UPDATE OR DELETE ON audit_leaf
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_checkpoint_fixed BEFORE UPDATE OR DELETE ON audit_checkpoint
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_commitment_fixed BEFORE UPDATE OR DELETE ON audit_commitment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
