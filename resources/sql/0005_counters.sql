-- The counter totals of each pump: a row a minute while one moves, at each start, and when a person sets them.
-- The newest row of a pump is the one with its highest id, so the ids rise even where the system clock was set back.
-- What came after that row is counted again from the readings, so nothing has to be written each second.
CREATE TABLE counters (
    id INTEGER PRIMARY KEY,
    run_s REAL NOT NULL,
    starts INTEGER NOT NULL,
    zone_cd_s REAL NOT NULL,
    off_region_s REAL NOT NULL,
    is_set INTEGER NOT NULL CHECK (is_set IN (0, 1))
) STRICT;
