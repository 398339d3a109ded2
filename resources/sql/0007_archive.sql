-- Readings older than some hours are kept as compressed columns: a row here is one column of one pump over a stretch of
-- time. `series` is the column of the readings in lower case, or one of @time (milliseconds since 2020-01-01T00:00Z),
-- @status, @uncertain, @bad, @score; the columns of a stretch have as many rows as its @time. `day` counts from
-- 2020-01-01 (UTC), `level` is 0 for a piece of a day and 1 for a whole day, first_id and last_id are those of its rows.
-- The bytes are described in resources/formats/archive.md.
CREATE TABLE archive_chunks (
    chunk_id INTEGER PRIMARY KEY,
    pump_number INTEGER NOT NULL,
    series TEXT NOT NULL,
    day INTEGER NOT NULL,
    level INTEGER NOT NULL CHECK (level IN (0, 1)),
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (pump_number, day, series, level, first_id, last_id, row_count)
) STRICT;

CREATE INDEX archive_days ON archive_chunks (day, pump_number) WHERE series = '@time';

CREATE INDEX archive_pieces ON archive_chunks (day, pump_number) WHERE level = 0 AND series = '@time';

-- Minimum, mean, maximum, number of values and of readings without a value, a minute (step_s 60, period = the day) or an
-- hour (step_s 3600, period = 32 days from 2020-01-01 on) each, of what level 1 above holds or held.
CREATE TABLE archive_rollups (
    rollup_id INTEGER PRIMARY KEY,
    pump_number INTEGER NOT NULL,
    series TEXT NOT NULL,
    step_s INTEGER NOT NULL CHECK (step_s IN (60, 3600)),
    period INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (pump_number, series, step_s, period)
) STRICT;

CREATE INDEX archive_rollups_by_age ON archive_rollups (step_s, period);

-- A window keeps its score itself, because the row of anomaly_scores goes into the archive. Rows of before get theirs
-- when that happens. The statement is edited as in version 4: ADD COLUMN would read every row.
PRAGMA writable_schema = ON;

UPDATE sqlite_schema
SET sql = replace(sql, 'per_sensor BLOB NOT NULL', 'per_sensor BLOB NOT NULL,
    score REAL')
WHERE type = 'table' AND name = 'anomaly_windows';

PRAGMA writable_schema = RESET;

DROP VIEW anomaly_detections;

CREATE VIEW anomaly_detections AS
WITH unpacked AS (
    SELECT
        w.id,
        w.model_number,
        w.is_anomaly,
        w.reconstruction_loss,
        w.score,
        hex(w.per_sensor) AS digits,
        (SELECT tags FROM layouts WHERE pump_number = w.id & 4095 AND from_id <= w.id ORDER BY from_id DESC LIMIT 1) AS tags
    FROM anomaly_windows AS w
),
measured AS (
    SELECT
        *,
        json_array_length(tags) AS n,
        2 * (json_array_length(tags) + (json_array_length(tags) + 3) / 4) AS counts_at,
        (length(digits) / 2 - json_array_length(tags) - (json_array_length(tags) + 3) / 4) / json_array_length(tags) AS width
    FROM unpacked
)
SELECT
    m.id AS id,
    m.id AS reading_id,
    m.is_anomaly AS is_anomaly,
    m.reconstruction_loss AS reconstruction_loss,
    d.threshold AS threshold,
    (
        SELECT json_group_object(
            t.value,
            CASE ('0x' || substr(m.digits, 2 * m.n + 2 * (t.key / 4) + 1, 2) ->> '$') >> (2 * (t.key % 4)) & 3
                WHEN 0 THEN 'NORMAL' WHEN 1 THEN 'ANOMALY' ELSE 'MISSING'
            END
        )
        FROM json_each(m.tags) AS t
    ) AS sensor_states,
    (
        SELECT json_group_object(
            t.value,
            '0x' || substr(m.digits, m.counts_at + 2 * m.width * t.key + 1, 2 * m.width) ->> '$'
        )
        FROM json_each(m.tags) AS t
    ) AS sensor_anomaly_counts,
    (
        SELECT json_group_object(t.value, round(('0x' || substr(m.digits, 2 * t.key + 1, 2) ->> '$') / 200.0, 5))
        FROM json_each(m.tags) AS t
    ) AS sensor_shares,
    coalesce(m.score, s.score) AS score,
    d.kind AS kind,
    d.model_version AS model_version
FROM measured AS m
JOIN detection_models AS d ON d.model_number = m.model_number
LEFT JOIN anomaly_scores AS s ON s.id = m.id
UNION ALL
SELECT
    id, reading_id, is_anomaly, reconstruction_loss, threshold, sensor_states, sensor_anomaly_counts, sensor_shares, score,
    kind, model_version
FROM anomaly_detections_v2;
