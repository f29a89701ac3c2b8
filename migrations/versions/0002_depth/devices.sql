-- Devices (browsers, apps) hold consent of their own, and nobody who uses one. A device is a gate row of kind 1 with
-- keys and entries under its id, as a person has; this says which device it is, sealed under those keys. It is found
-- by its blind index in `identifier_index`.
CREATE TABLE device (
    contact_id uuid PRIMARY KEY,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT ON device TO zgoda_app, zgoda_retention;
GRANT DELETE ON device TO zgoda_retention;
