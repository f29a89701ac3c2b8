CREATE TABLE contact (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    locale text,
    country text,
    subscriber smallint NOT NULL DEFAULT 0,
    source text NOT NULL
);

-- A value that identifies, known by its blind index alone; who has it is said by the assignments.
CREATE TABLE identifier (
    id uuid PRIMARY KEY,
    kind smallint NOT NULL,
    address_id uuid REFERENCES address
);
-- Written before its identifier: of two writers of one value, the index decides whose identifier it is.
CREATE TABLE identifier_index (
    epoch integer NOT NULL,
    value bytea NOT NULL,
    identifier_id uuid NOT NULL,
    PRIMARY KEY (value, epoch)
);
CREATE INDEX identifier_index_identifier ON identifier_index (identifier_id);
CREATE TRIGGER identifier_index_epoch AFTER INSERT ON identifier_index
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_epoch();

CREATE TABLE assignment (
    contact_id uuid NOT NULL REFERENCES contact,
    id uuid NOT NULL,
    identifier_id uuid NOT NULL REFERENCES identifier,
    address_id uuid,
    kind smallint NOT NULL,
    mode smallint NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    verified_at timestamptz,
    value bytea NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (contact_id, id)
);
CREATE UNIQUE INDEX assignment_exclusive ON assignment (identifier_id) WHERE mode = 0 AND valid_to IS NULL;
CREATE UNIQUE INDEX assignment_once ON assignment (identifier_id, contact_id) WHERE valid_to IS NULL;
CREATE INDEX assignment_address ON assignment (address_id) WHERE valid_to IS NULL;

CREATE TABLE contact_field (
    contact_id uuid NOT NULL,
    field text NOT NULL,
    value bytea,
    plain text,
    source text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (contact_id, field),
    CHECK ((value IS NULL) <> (plain IS NULL))
);
