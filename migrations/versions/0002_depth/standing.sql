-- Facts of the gate that were not asked before. What stands there already is written anew at the next start.
ALTER TABLE gate_state
    ADD COLUMN active_at timestamptz NOT NULL DEFAULT '0001-01-01 00:00:00+00',
    ADD COLUMN capped_until timestamptz NOT NULL DEFAULT '0001-01-01 00:00:00+00',
    ADD COLUMN parental smallint NOT NULL DEFAULT 2,
    ADD COLUMN listed smallint NOT NULL DEFAULT 1,
    ADD COLUMN clock smallint NOT NULL DEFAULT 0;
ALTER TABLE gate_state
    ALTER COLUMN active_at DROP DEFAULT,
    ALTER COLUMN capped_until DROP DEFAULT,
    ALTER COLUMN parental DROP DEFAULT,
    ALTER COLUMN listed DROP DEFAULT,
    ALTER COLUMN clock DROP DEFAULT;

-- Restrictions as they came and went, so that a question about the past finds them.
CREATE TABLE restriction (
    contact_id uuid NOT NULL,
    id uuid NOT NULL,
    reason text NOT NULL,
    restricted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lifted_at timestamptz,
    PRIMARY KEY (contact_id, id)
);
INSERT INTO restriction (contact_id, id, reason, restricted_at)
SELECT subject_id, gen_random_uuid(), coalesce(restriction, ''), restricted_at FROM gate_row
WHERE restricted_at IS NOT NULL;

-- An address on a do-not-call or do-not-mail list, a Member State's or the controller's own (policies/lists.toml).
CREATE TABLE address_listing (
    address_id uuid NOT NULL REFERENCES address,
    list text NOT NULL,
    listed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The last import that named it; one of the whole list unlists what it does not name.
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    unlisted_at timestamptz,
    PRIMARY KEY (address_id, list, recorded_at)
);
CREATE UNIQUE INDEX address_listing_current ON address_listing (address_id, list) WHERE unlisted_at IS NULL;
CREATE INDEX address_listing_list ON address_listing (list, seen_at) WHERE unlisted_at IS NULL;

-- Each import of a list that went through: while a Member State's list is too old, nothing rests on its exemption.
CREATE TABLE list_import (
    id uuid PRIMARY KEY,
    list text NOT NULL,
    -- The day of which the list is.
    dated date NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    whole boolean NOT NULL,
    entries bigint NOT NULL,
    listed bigint NOT NULL,
    unlisted bigint NOT NULL,
    actor text NOT NULL
);
CREATE TRIGGER list_import_fixed BEFORE UPDATE OR DELETE ON list_import
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER list_import_kept BEFORE TRUNCATE ON list_import
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON list_import TO zgoda_app, zgoda_retention;

-- What was handed over to a person by marketing, by controller, channel and day (UTC): caps are counted from it.
CREATE TABLE handoff_count (
    contact_id uuid NOT NULL,
    controller text NOT NULL,
    channel text NOT NULL,
    day date NOT NULL,
    messages integer NOT NULL,
    PRIMARY KEY (contact_id, controller, channel, day)
);

GRANT SELECT, INSERT, UPDATE ON restriction, address_listing, handoff_count TO zgoda_app, zgoda_retention;
GRANT DELETE ON restriction, address_listing, handoff_count TO zgoda_retention;
