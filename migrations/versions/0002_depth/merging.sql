-- Records found to be of one person. Nothing moves: each record keeps its rows and its own keys, and the gate takes the
-- most restrictive of what they add up to. `contact_id` was merged into `surviving_id` from `merged_at` until
-- `unmerged_at`; of what was found out twice, the surviving record may have been merged into a third since.
CREATE TABLE contact_merge (
    contact_id uuid NOT NULL,
    id uuid NOT NULL,
    surviving_id uuid NOT NULL CHECK (surviving_id <> contact_id),
    reason text NOT NULL,
    actor text NOT NULL,
    merged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    unmerged_at timestamptz CHECK (unmerged_at >= merged_at),
    PRIMARY KEY (contact_id, id)
);
CREATE UNIQUE INDEX contact_merge_once ON contact_merge (contact_id) WHERE unmerged_at IS NULL;
CREATE INDEX contact_merge_id ON contact_merge (id);
CREATE INDEX contact_merge_surviving ON contact_merge (surviving_id);

-- The record that stands for the person, its own id for that one; null, as for nearly everybody, where there is one
-- record alone. It changes under the locks of all the gate rows concerned.
ALTER TABLE gate_row ADD COLUMN merged_into uuid;
CREATE INDEX gate_row_merged ON gate_row (subject_id, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX gate_row_records ON gate_row (merged_into, subject_id) WHERE merged_into IS NOT NULL;

-- What ended stays ended, and nothing else of a merge changes.
CREATE FUNCTION refuse_remerging() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.unmerged_at IS NOT NULL THEN
        RAISE EXCEPTION 'a merge that was undone stays undone' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contact_merge_ends_once BEFORE UPDATE ON contact_merge
    FOR EACH ROW EXECUTE FUNCTION refuse_remerging();
CREATE TRIGGER contact_merge_kept BEFORE TRUNCATE ON contact_merge
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT, UPDATE (unmerged_at) ON contact_merge TO zgoda_app, zgoda_retention;
GRANT DELETE ON contact_merge TO zgoda_retention;
