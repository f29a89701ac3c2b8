CREATE TABLE policy_version (
    purpose text NOT NULL,
    version text NOT NULL,
    body jsonb NOT NULL,
    author text NOT NULL,
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (purpose, version)
);
CREATE TABLE purpose (
    id smallint PRIMARY KEY CHECK (id > 0),
    name text NOT NULL UNIQUE,
    controller text NOT NULL,
    class text NOT NULL,
    retired_at timestamptz,
    -- What of the policy the gate's rows were last written from, for everybody; null while that is not done.
    filled_from text
);
CREATE TABLE channel (
    id smallint PRIMARY KEY CHECK (id > 0),
    name text NOT NULL UNIQUE
);
CREATE TABLE notice (
    purpose text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    locale text NOT NULL,
    hash bytea NOT NULL,
    body text NOT NULL,
    change text NOT NULL CHECK (change IN ('material', 'editorial')),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (purpose, version, locale)
);
CREATE TRIGGER policy_version_fixed BEFORE UPDATE OR DELETE ON policy_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER notice_fixed BEFORE UPDATE OR DELETE ON notice
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
