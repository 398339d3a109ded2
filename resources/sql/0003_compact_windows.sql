-- A detection in 59 bytes instead of 1,039: what it shares with others of its model stands once, its score stands in
-- anomaly_scores under the same id, and what there is per sensor is one BLOB. The rows of before are moved over by the
-- writer, a little every second, so that the step itself takes no longer on a full database than on an empty one.

ALTER TABLE anomaly_detections RENAME TO anomaly_detections_v2;

CREATE TABLE detection_models (
    model_number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    model_version TEXT NOT NULL,
    threshold REAL NOT NULL,
    UNIQUE (kind, model_version, threshold)
) STRICT;

-- per_sensor, for n sensors in the order of the pump's tags: n bytes of share (200 = all of it: steps of half a per cent), then ceil(n / 4) bytes
-- of states (2 bits a sensor, the first in the low bits: 0 NORMAL, 1 ANOMALY, 2 MISSING), then n counts of 1 to 8 bytes,
-- the high byte first.
CREATE TABLE anomaly_windows (
    id INTEGER PRIMARY KEY,
    model_number INTEGER NOT NULL,
    is_anomaly INTEGER NOT NULL CHECK (is_anomaly IN (0, 1)),
    reconstruction_loss REAL NOT NULL,
    per_sensor BLOB NOT NULL
) STRICT;

-- A number in hexadecimal is read as JSON5 ('0x1F' ->> '$' is 31): SQLite has no other way from a BLOB to a number.
CREATE VIEW anomaly_detections AS
WITH unpacked AS (
    SELECT
        w.id,
        w.model_number,
        w.is_anomaly,
        w.reconstruction_loss,
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
    s.score AS score,
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
