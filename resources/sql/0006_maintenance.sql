-- What maintenance events have beyond the original's columns. event_id is their identity: that of an alarm's episode, so
-- one that is written again after a restart is the same row. `note` stays the newest note; `notes` has all of them as JSON.
-- All may be NULL: rows that are salvaged from a database of before do not have them.
ALTER TABLE maintenance_events ADD COLUMN event_id TEXT;
ALTER TABLE maintenance_events ADD COLUMN source TEXT;
ALTER TABLE maintenance_events ADD COLUMN title TEXT;
ALTER TABLE maintenance_events ADD COLUMN unit TEXT;
ALTER TABLE maintenance_events ADD COLUMN cost_basis TEXT;
ALTER TABLE maintenance_events ADD COLUMN recommendation TEXT;
ALTER TABLE maintenance_events ADD COLUMN assigned_to TEXT;
ALTER TABLE maintenance_events ADD COLUMN due_ns INTEGER;
ALTER TABLE maintenance_events ADD COLUMN finding TEXT;
ALTER TABLE maintenance_events ADD COLUMN actual_cost REAL;
ALTER TABLE maintenance_events ADD COLUMN notes TEXT;
ALTER TABLE maintenance_events ADD COLUMN created_by TEXT;

UPDATE maintenance_events SET event_id = pump_id || '/row@' || id WHERE event_id IS NULL;

CREATE UNIQUE INDEX maintenance_by_event ON maintenance_events (event_id);
