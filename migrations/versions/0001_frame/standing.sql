-- One row a person (or device): locked by whoever sends, and by whoever takes a permission away.
CREATE TABLE gate_row (
    subject_id uuid PRIMARY KEY,
    kind smallint NOT NULL DEFAULT 0,
    state smallint NOT NULL DEFAULT 0,
    last_seq bigint NOT NULL DEFAULT 0,
    restricted_at timestamptz,
    restriction text
);

-- One row an address, found by keyed MAC alone: it holds the address's "no" and outlives every assignment.
CREATE TABLE address (
    id uuid PRIMARY KEY,
    kind smallint NOT NULL,
    mac bytea NOT NULL,
    dead_at timestamptz,
    erased_at timestamptz,
    UNIQUE (mac, kind)
);

CREATE TABLE address_refusal (
    address_id uuid NOT NULL REFERENCES address,
    id uuid NOT NULL,
    controller text NOT NULL,
    purpose text NOT NULL,
    channel text NOT NULL,
    cause text NOT NULL,
    acted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (address_id, id)
);

-- What the gate reads: a row per contact, live purpose, declared channel and current address (nil where none).
-- No column may be null: a null falls through a CASE, and a fact that nobody loaded must never be a yes.
CREATE TABLE gate_state (
    contact_id uuid NOT NULL,
    assignment_id uuid NOT NULL,
    address_id uuid NOT NULL,
    evidence uuid NOT NULL,
    restricted_at timestamptz NOT NULL,
    consented_at timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    verified_at timestamptz NOT NULL,
    seq bigint NOT NULL,
    purpose_id smallint NOT NULL,
    channel_id smallint NOT NULL,
    contact_state smallint NOT NULL,
    address_state smallint NOT NULL,
    addresses smallint NOT NULL,
    suppressed smallint NOT NULL,
    objected smallint NOT NULL,
    consent smallint NOT NULL,
    grade smallint NOT NULL,
    notice_version smallint NOT NULL,
    basis_facts smallint NOT NULL,
    soft_opt_in smallint NOT NULL,
    jurisdiction smallint NOT NULL,
    PRIMARY KEY (contact_id, channel_id, assignment_id, purpose_id)
) PARTITION BY LIST (purpose_id);
-- Persons with several addresses are few: a question about everybody finds them here and scans the rest once.
CREATE INDEX gate_state_several ON gate_state (contact_id) WHERE addresses > 1::smallint;
