-- Letters of our own: a confirmation, its reminder, a link that somebody asked for. `about` is the ledger's entry
-- that a letter is about; `locale` the language it was asked for in, where the person's own is another or not known.
ALTER TABLE message
    ADD COLUMN letter text,
    ADD COLUMN about uuid,
    ADD COLUMN locale text;

-- Requests that wait for their confirmation, and how many letters were written about each. A row goes when its
-- request is confirmed, and at the term of its purpose together with the request itself.
CREATE TABLE confirmation (
    contact_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    purpose text NOT NULL,
    requested_at timestamptz NOT NULL,
    letters smallint NOT NULL DEFAULT 0,
    reminded_at timestamptz,
    PRIMARY KEY (contact_id, entry_id)
);
CREATE INDEX confirmation_due ON confirmation (requested_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON confirmation TO zgoda_app, zgoda_retention;

-- What waited already: kind 1 is a request, 3 a confirmation.
INSERT INTO confirmation (contact_id, entry_id, purpose, requested_at)
SELECT e.contact_id, e.id, e.purpose, e.recorded_at FROM consent_entry e
WHERE e.kind = 1 AND NOT EXISTS (
    SELECT 1 FROM consent_entry c WHERE c.contact_id = e.contact_id AND c.kind = 3 AND c.refers_to = e.id
);
