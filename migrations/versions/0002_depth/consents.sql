-- The collection point and its version at which an entry was made; the parental authority that a grant rests on.
ALTER TABLE consent_entry
    ADD COLUMN point text,
    ADD COLUMN point_version integer,
    ADD COLUMN authority uuid;
