CREATE TABLE import_run (
    id uuid PRIMARY KEY,
    file_hash bytea NOT NULL,
    mapping_hash bytea NOT NULL,
    state text NOT NULL,
    next_row bigint NOT NULL DEFAULT 0,
    counts jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
CREATE UNIQUE INDEX import_run_open ON import_run (file_hash, mapping_hash) WHERE state = 'running';
