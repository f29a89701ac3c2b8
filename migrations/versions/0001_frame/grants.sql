-- The application appends; only the retention role takes away; nobody but the owner changes the schema.
GRANT USAGE ON SCHEMA public TO zgoda_app, zgoda_retention;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO zgoda_app, zgoda_retention;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO zgoda_app, zgoda_retention;

GRANT INSERT ON
    person_key, audit_opening, audit_commitment, audit_leaf, audit_tile, audit_checkpoint,
    api_key, idempotency_key, gate_row, address, address_refusal, gate_state, contact, identifier,
    identifier_index, assignment, contact_field, consent_entry, ground, decision, campaign, message,
    message_attempt, import_run, subject_request
TO zgoda_app, zgoda_retention;

-- Only the body: the transaction id by which the sealer finds an entry is the database's to say.
GRANT INSERT (body) ON audit_entry TO zgoda_app, zgoda_retention;

GRANT UPDATE ON
    audit_tile, audit_state, idempotency_key, gate_row, address, gate_state, assignment, contact,
    contact_field, campaign, message, message_attempt, import_run, subject_request
TO zgoda_app, zgoda_retention;
GRANT UPDATE (revoked_at) ON api_key TO zgoda_app;
GRANT DELETE ON gate_state TO zgoda_app;
-- FOR KEY SHARE in the epoch trigger needs a right to update some column of the row.
GRANT UPDATE (closed_at) ON key_epoch TO zgoda_app, zgoda_retention;

GRANT UPDATE ON person_key, key_epoch TO zgoda_retention;
GRANT INSERT ON erasure, key_epoch TO zgoda_retention;
GRANT UPDATE (certified_at) ON erasure TO zgoda_retention;
GRANT DELETE ON
    person_key, audit_opening, gate_state, contact, identifier, identifier_index, assignment, contact_field,
    consent_entry, ground, decision, message, message_attempt, subject_request, address_refusal,
    idempotency_key
TO zgoda_retention;

-- Nobody empties at once what nobody may change row by row; and no session puts a table of its own before ours.
CREATE TRIGGER ground_kept BEFORE TRUNCATE ON ground
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decision_kept BEFORE TRUNCATE ON decision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER notice_kept BEFORE TRUNCATE ON notice
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policy_version_kept BEFORE TRUNCATE ON policy_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_leaf_kept BEFORE TRUNCATE ON audit_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_checkpoint_kept BEFORE TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER address_refusal_fixed BEFORE UPDATE OR DELETE ON address_refusal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER address_refusal_kept BEFORE TRUNCATE ON address_refusal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
