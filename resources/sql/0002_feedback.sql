-- What people said of an episode: the newest line of an episode (pump and start) is what counts.
CREATE TABLE episode_feedback (
    id INTEGER PRIMARY KEY,
    pump_id TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('true', 'false', 'unknown')),
    note TEXT NOT NULL,
    by TEXT NOT NULL,
    CHECK (end_ns >= start_ns)
) STRICT;

CREATE INDEX feedback_by_start ON episode_feedback (pump_id, start_ns);
