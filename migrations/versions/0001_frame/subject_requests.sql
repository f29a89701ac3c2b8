CREATE TABLE subject_request (
    id uuid PRIMARY KEY,
    contact_id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    reason text,
    actor text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    completed_at timestamptz
);
CREATE INDEX subject_request_contact ON subject_request (contact_id);

-- What an erasure leaves: that it happened. The id is opaque and leads to nothing any more.
CREATE TABLE erasure (
    contact_id uuid PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    epoch integer NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    counts jsonb NOT NULL DEFAULT '{}',
    certified_at timestamptz
);
