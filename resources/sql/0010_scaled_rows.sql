-- A reading of ten sensors with its score in 49 bytes instead of 120: a value is the whole number of steps that its column's
-- name gives ("flow_rate_l_min*10": value * 10), two bytes mostly, and the score is in the reading's own row. A value that is
-- no whole number of steps is a REAL, as it is. sensor_readings and anomaly_scores are views that give both as values, with
-- the names of before. Rows of before stay in their tables until they are archived, so that this step takes no longer on
-- a full database than on an empty one.
--
-- Minutes and hours have their counts as one number each from this version on (resources/formats/archive.md).

-- Without it the views that others made would go on to the renamed tables.
PRAGMA legacy_alter_table = ON;

ALTER TABLE sensor_readings RENAME TO sensor_readings_v9;

-- What it had; from now on scores without a row in reading_rows.
ALTER TABLE anomaly_scores RENAME TO scores_apart;

PRAGMA legacy_alter_table = OFF;

-- Sensors beyond the ten get a column when a profile first brings them. score is in hundredths, -1 without one: a score that
-- comes in a later commit than its reading finds its byte there, and does not grow the row in a packed page.
CREATE TABLE reading_rows (
    id INTEGER PRIMARY KEY,
    status_unless_normal TEXT NOT NULL DEFAULT '',
    uncertain_mask INTEGER NOT NULL DEFAULT 0,
    bad_mask INTEGER NOT NULL DEFAULT 0,
    score ANY NOT NULL DEFAULT -1,
    "motor_rpm*10" ANY,
    "bearing_temperature_c*100" ANY,
    "oil_pressure_bar*1000" ANY,
    "vibration_mm_s*1000" ANY,
    "flow_rate_l_min*10" ANY,
    "suction_pressure_bar*1000" ANY,
    "discharge_pressure_bar*1000" ANY,
    "motor_current_a*100" ANY,
    "casing_temperature_c*100" ANY,
    "ambient_temperature_c*100" ANY
) STRICT;

-- The view sensor_readings depends on the columns there are: the program makes it after this step and for each new column.

CREATE VIEW anomaly_scores AS
SELECT id, CAST(CASE typeof(score) WHEN 'integer' THEN score / 100.0 ELSE score END AS REAL) AS score
FROM reading_rows
WHERE score <> -1
UNION ALL
SELECT id, score FROM scores_apart;

CREATE TRIGGER anomaly_scores_takes_rows INSTEAD OF INSERT ON anomaly_scores
BEGIN
    SELECT RAISE(ABORT, 'NOT NULL constraint failed: anomaly_scores.score') WHERE NEW.score IS NULL;
    UPDATE reading_rows
    SET score = CASE WHEN NEW.score >= 0 AND NEW.score < 1e13 THEN CAST(round(NEW.score * 100) AS INTEGER) ELSE NEW.score END
    WHERE id = NEW.id;
    INSERT OR REPLACE INTO scores_apart
    SELECT NEW.id, NEW.score WHERE NOT EXISTS (SELECT 1 FROM reading_rows WHERE id = NEW.id);
END;

-- Only windows of before version 7 have no score of their own, and theirs are in the table. The statement is edited as in
-- version 4.
PRAGMA writable_schema = ON;

UPDATE sqlite_schema
SET sql = replace(sql, 'LEFT JOIN anomaly_scores AS s', 'LEFT JOIN scores_apart AS s')
WHERE type = 'view' AND name = 'anomaly_detections';

PRAGMA writable_schema = RESET;
