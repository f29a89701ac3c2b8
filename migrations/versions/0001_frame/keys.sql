-- Persons' keys, wrapped under an epoch key that lies outside this database.
CREATE TABLE key_epoch (
    epoch integer PRIMARY KEY CHECK (epoch > 0),
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz,
    destroyed_at timestamptz
);

-- One blob a person: the random AES-256 keys of every retention class that the person still has.
CREATE TABLE person_key (
    contact_id uuid PRIMARY KEY,
    epoch integer NOT NULL,
    wrapped bytea NOT NULL
);

-- Rotation takes FOR UPDATE on the epoch's row: it waits for every writer that is under way here,
-- and whoever comes later finds the epoch closed. Once a statement, for an import writes many rows in one.
CREATE FUNCTION refuse_closed_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted integer;
    closed timestamptz;
BEGIN
    FOR wanted IN SELECT DISTINCT epoch FROM fresh ORDER BY epoch LOOP
        SELECT closed_at INTO STRICT closed FROM key_epoch WHERE epoch = wanted FOR KEY SHARE;
        IF closed IS NOT NULL THEN
            RAISE EXCEPTION 'key epoch % is closed', wanted USING ERRCODE = 'ZG001';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER person_key_epoch AFTER INSERT ON person_key
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_epoch();
CREATE TRIGGER person_key_new_epoch AFTER UPDATE ON person_key
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_epoch();

-- Rows that nobody changes and only the retention role takes away, by term or by erasure.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_user = 'zgoda_retention' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% on % is refused: rows are appended, never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'ZG002';
END $$;
