"""What was known of a person before: country, kind of subscriber, time zone, part of the day, and coming of age."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Rows that are there: since when they have said so is not known, so they have always said so.
_UPGRADE = """
-- Facts of a person that were replaced, and until when they were on record: a question about the past is answered by
-- what was known then, and a child's yes is no better for a country that was told later.
CREATE TABLE contact_past (
    contact_id uuid NOT NULL,
    known_until timestamptz NOT NULL DEFAULT clock_timestamp(),
    country text,
    subscriber smallint NOT NULL,
    time_zone text,
    preferred_part smallint NOT NULL,
    PRIMARY KEY (contact_id, known_until)
);
CREATE FUNCTION keep_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contact_past (contact_id, country, subscriber, time_zone, preferred_part)
        VALUES (OLD.id, OLD.country, OLD.subscriber, OLD.time_zone, OLD.preferred_part);
    RETURN NULL;
END $$;
CREATE TRIGGER contact_past AFTER UPDATE ON contact FOR EACH ROW
    WHEN ((OLD.country, OLD.subscriber, OLD.time_zone, OLD.preferred_part)
        IS DISTINCT FROM (NEW.country, NEW.subscriber, NEW.time_zone, NEW.preferred_part))
    EXECUTE FUNCTION keep_contact();

ALTER TABLE coming_of_age ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT '1900-01-01Z';
ALTER TABLE coming_of_age ALTER COLUMN recorded_at SET DEFAULT clock_timestamp();
CREATE TABLE coming_of_age_past (
    contact_id uuid NOT NULL,
    known_until timestamptz NOT NULL DEFAULT clock_timestamp(),
    since date NOT NULL,
    of_age_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (contact_id, known_until, since)
);
CREATE FUNCTION keep_coming_of_age() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coming_of_age_past (contact_id, since, of_age_on, recorded_at)
        VALUES (OLD.contact_id, OLD.since, OLD.of_age_on, OLD.recorded_at);
    RETURN NULL;
END $$;
CREATE TRIGGER coming_of_age_past AFTER UPDATE OR DELETE ON coming_of_age FOR EACH ROW
    EXECUTE FUNCTION keep_coming_of_age();

GRANT SELECT, INSERT ON contact_past, coming_of_age_past TO zgoda_app, zgoda_retention;
GRANT DELETE ON contact_past, coming_of_age_past TO zgoda_retention;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_UPGRADE)


def downgrade() -> None:
    raise RuntimeError("the ledger is never taken down: restore a backup instead")
