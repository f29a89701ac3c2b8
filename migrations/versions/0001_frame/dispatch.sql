CREATE TABLE campaign (
    id uuid PRIMARY KEY,
    purpose text NOT NULL,
    channel text NOT NULL,
    template jsonb NOT NULL,
    audience jsonb NOT NULL,
    state text NOT NULL,
    caller text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    counts jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE message (
    id uuid PRIMARY KEY,
    contact_id uuid NOT NULL,
    campaign_id uuid,
    purpose text NOT NULL,
    channel text NOT NULL,
    class text NOT NULL,
    assignment_id uuid,
    state text NOT NULL,
    reason text,
    attempt integer NOT NULL DEFAULT 0,
    attempted_at timestamptz,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    handed_at timestamptz,
    content_hash bytea,
    message_ref text,
    "values" bytea,
    decision_id uuid,
    worker text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX message_in_hand ON message (contact_id) WHERE state = 'handing_off';
CREATE INDEX message_due ON message (due_at, id) WHERE state = 'queued';
CREATE INDEX message_contact ON message (contact_id);
CREATE INDEX message_campaign ON message (campaign_id, state);

CREATE TABLE message_attempt (
    contact_id uuid NOT NULL,
    id uuid NOT NULL,
    message_id uuid NOT NULL,
    number integer NOT NULL,
    content_hash bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    result text,
    reply text,
    PRIMARY KEY (contact_id, id)
);
