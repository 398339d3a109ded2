-- What the person who resolves a maintenance event says of the pump: whether it was a failure (NULL: not said), from when on it
-- was out of service (Unix UTC, nanoseconds; NULL: it was not, or not said) and for how many seconds (NULL: not known).
ALTER TABLE maintenance_events ADD COLUMN is_failure INTEGER CHECK (is_failure IN (0, 1));
ALTER TABLE maintenance_events ADD COLUMN down_from_ns INTEGER;
ALTER TABLE maintenance_events ADD COLUMN down_s REAL;
