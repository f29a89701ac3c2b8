-- On which day a person comes of age for consent (GDPR art. 8), by each rule of the country that was or is in force;
-- the date of birth itself lies sealed among the fields. No row: the age is not known.
CREATE TABLE coming_of_age (
    contact_id uuid NOT NULL,
    since date NOT NULL,
    of_age_on date NOT NULL,
    PRIMARY KEY (contact_id, since)
);
-- By which clock the person lives, and by which channel and in which part of the day they would rather be reached.
ALTER TABLE contact
    ADD COLUMN time_zone text,
    ADD COLUMN preferred_channel text,
    ADD COLUMN preferred_part smallint NOT NULL DEFAULT 0;
GRANT SELECT, INSERT, UPDATE, DELETE ON coming_of_age TO zgoda_app, zgoda_retention;
-- From which policy files rows were last worked out for everybody; they are worked out anew when the files change.
CREATE TABLE followed (
    what text PRIMARY KEY,
    policy text NOT NULL
);
GRANT SELECT ON followed TO zgoda_app, zgoda_retention;
