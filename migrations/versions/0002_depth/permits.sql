-- Leave to hand over one message, given to an engine outside: for one person, address, purpose, channel and content,
-- once, for a short while. The token is shown once; here lies its hash.
CREATE TABLE permit (
    contact_id uuid NOT NULL,
    id uuid NOT NULL,
    token_hash bytea NOT NULL,
    assignment_id uuid,
    address_id uuid,
    controller text NOT NULL,
    purpose text NOT NULL,
    class text NOT NULL,
    channel text NOT NULL,
    content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    decision_id uuid NOT NULL,
    actor text NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    -- 0 open, 1 redeemed, 2 refused when it was to be redeemed, 3 voided; what is over by `expires_at` stays open here.
    state smallint NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
    ended_at timestamptz,
    ended_by text,
    redemption_id uuid,
    PRIMARY KEY (contact_id, id),
    CHECK ((state = 0) = (ended_at IS NULL)),
    CHECK (expires_at > issued_at AND expires_at <= issued_at + interval '15 minutes')
);
-- Not unique: 178 random bits need no constraint, and the table stays fit for being spread by person.
CREATE INDEX permit_token ON permit (token_hash);
CREATE INDEX permit_id ON permit (id);
CREATE INDEX permit_address ON permit (address_id) WHERE state < 2;

-- Single-use is the table's own rule: whatever ended stays ended, whoever asks.
CREATE FUNCTION refuse_reopening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 0 THEN
        RAISE EXCEPTION 'a permit that ended stays ended' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER permit_ends_once BEFORE UPDATE ON permit
    FOR EACH ROW EXECUTE FUNCTION refuse_reopening();

GRANT SELECT, INSERT ON permit TO zgoda_app, zgoda_retention;
GRANT UPDATE (state, ended_at, ended_by, redemption_id) ON permit TO zgoda_app, zgoda_retention;
GRANT DELETE ON permit TO zgoda_retention;
