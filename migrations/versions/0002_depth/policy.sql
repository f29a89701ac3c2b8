-- Time zones that quiet hours know, by number; 0 is the controller's own.
CREATE TABLE zone (
    id smallint PRIMARY KEY CHECK (id > 0),
    name text NOT NULL UNIQUE
);
GRANT SELECT ON zone TO zgoda_app, zgoda_retention;

-- The gate's rows follow from more than before: every purpose is filled again at the next start.
UPDATE purpose SET filled_from = NULL;

-- The files of the policies that were put in force, whole, so that every node reads the same; the latest is in force.
CREATE TABLE policy_set (
    number integer PRIMARY KEY CHECK (number > 0),
    -- Over the names and texts of the files.
    hash text NOT NULL,
    files jsonb NOT NULL,
    -- Those that ship with a release, or a folder of the operator's.
    origin text NOT NULL CHECK (origin IN ('shipped', 'folder')),
    author text NOT NULL,
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER policy_set_fixed BEFORE UPDATE OR DELETE ON policy_set
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policy_set_kept BEFORE TRUNCATE ON policy_set
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON policy_set TO zgoda_app, zgoda_retention;
