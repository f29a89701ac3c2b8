CREATE TABLE decision (
    contact_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    purpose text NOT NULL,
    channel text NOT NULL,
    assignment_id uuid,
    outcome text NOT NULL,
    reason text NOT NULL,
    basis text,
    channel_ground text,
    evidence uuid,
    policy text,
    message_id uuid,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (contact_id, id)
);
CREATE TRIGGER decision_fixed BEFORE UPDATE OR DELETE ON decision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
