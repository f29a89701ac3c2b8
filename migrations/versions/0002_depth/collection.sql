-- Every version of every form at which persons leave data, as it was published: its whole body in canonical JSON
-- (RFC 8785), of which `hash` is the SHA-256. An entry names the version that the person saw.
CREATE TABLE collection_point (
    point text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    controller text NOT NULL,
    hash bytea NOT NULL,
    body text NOT NULL,
    author text NOT NULL,
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (point, version)
);
CREATE TRIGGER collection_point_fixed BEFORE UPDATE OR DELETE ON collection_point
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER collection_point_kept BEFORE TRUNCATE ON collection_point
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON collection_point TO zgoda_app, zgoda_retention;
