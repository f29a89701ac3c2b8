-- The ledger. `seq` is given under the gate row's lock: a person's entries have one order.
CREATE TABLE consent_entry (
    contact_id uuid NOT NULL,
    seq bigint NOT NULL,
    id uuid NOT NULL,
    kind smallint NOT NULL,
    grade smallint NOT NULL,
    controller text NOT NULL,
    purpose text NOT NULL,
    channel text NOT NULL,
    assignment_id uuid,
    acted_at timestamptz,
    recorded_at timestamptz NOT NULL,
    refers_to uuid,
    act text,
    notice_version integer,
    notice_locale text,
    policy text NOT NULL,
    source text NOT NULL,
    actor text NOT NULL,
    origin bytea,
    evidence bytea,
    PRIMARY KEY (contact_id, seq)
);
CREATE UNIQUE INDEX consent_entry_origin ON consent_entry (contact_id, origin) WHERE origin IS NOT NULL;

-- Recorded facts other than consent that a basis or a channel ground rests on.
CREATE TABLE ground (
    contact_id uuid NOT NULL,
    seq bigint NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    controller text NOT NULL,
    assignment_id uuid,
    products text[] NOT NULL DEFAULT '{}',
    opt_out_offered boolean NOT NULL DEFAULT false,
    collected_in_sale boolean NOT NULL DEFAULT false,
    occurred_at timestamptz NOT NULL,
    ends_at timestamptz,
    recorded_at timestamptz NOT NULL,
    source text NOT NULL,
    actor text NOT NULL,
    origin bytea,
    evidence bytea,
    PRIMARY KEY (contact_id, seq)
);
CREATE UNIQUE INDEX ground_origin ON ground (contact_id, origin) WHERE origin IS NOT NULL;

CREATE TRIGGER consent_entry_fixed BEFORE UPDATE OR DELETE ON consent_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER consent_entry_kept BEFORE TRUNCATE ON consent_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ground_fixed BEFORE UPDATE OR DELETE ON ground
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
