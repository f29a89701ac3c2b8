-- A decision is asked for by its id alone: whoever was answered has no more.
CREATE INDEX decision_id ON decision (id);
