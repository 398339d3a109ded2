-- The first released schema. Every id below is ((milliseconds since 2020-01-01T00:00Z) << 12) | pump_number:
-- natural key, time order and rowid at once, so no table of readings needs a second index.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pumps (
    pump_number INTEGER PRIMARY KEY CHECK (pump_number BETWEEN 1 AND 4095),
    pump_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    profile TEXT NOT NULL
) STRICT;

-- The order of the tags from one id on: it says which sensor a bit of a quality mask means (bit i = tags[i]).
CREATE TABLE layouts (
    pump_number INTEGER NOT NULL,
    from_id INTEGER NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (pump_number, from_id)
) STRICT, WITHOUT ROWID;

-- A BAD value is NULL and has its bit in bad_mask; an UNCERTAIN one is kept and has its bit in uncertain_mask.
-- Sensors beyond the ten get a nullable REAL column named by their tag when a profile first brings them.
CREATE TABLE sensor_readings (
    id INTEGER PRIMARY KEY,
    motor_rpm REAL,
    bearing_temperature_c REAL,
    oil_pressure_bar REAL,
    vibration_mm_s REAL,
    flow_rate_l_min REAL,
    suction_pressure_bar REAL,
    discharge_pressure_bar REAL,
    motor_current_a REAL,
    casing_temperature_c REAL,
    ambient_temperature_c REAL,
    machine_status TEXT NOT NULL,
    uncertain_mask INTEGER NOT NULL DEFAULT 0,
    bad_mask INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE VIEW sensor_readings_original AS
SELECT
    id,
    strftime('%Y-%m-%dT%H:%M:%f', ((id >> 12) + 1577836800000) / 1000.0, 'unixepoch') || '+00:00' AS "timestamp",
    motor_rpm,
    bearing_temperature_c,
    oil_pressure_bar,
    vibration_mm_s,
    flow_rate_l_min,
    suction_pressure_bar,
    discharge_pressure_bar,
    motor_current_a,
    casing_temperature_c,
    ambient_temperature_c,
    machine_status
FROM sensor_readings;

-- Every score (1.0 = at the threshold), by the id of its reading. Apart from the readings, because a score comes
-- a moment after its reading: growing a row in a packed page would split the page.
CREATE TABLE anomaly_scores (
    id INTEGER PRIMARY KEY,
    score REAL NOT NULL
) STRICT;

-- Whole detections: every anomalous window, the first normal one after it, and one normal a minute.
CREATE TABLE anomaly_detections (
    id INTEGER PRIMARY KEY,
    reading_id INTEGER NOT NULL,
    is_anomaly INTEGER NOT NULL CHECK (is_anomaly IN (0, 1)),
    reconstruction_loss REAL NOT NULL,
    threshold REAL NOT NULL,
    sensor_states TEXT NOT NULL,
    sensor_anomaly_counts TEXT NOT NULL,
    sensor_shares TEXT NOT NULL,
    score REAL NOT NULL,
    kind TEXT NOT NULL,
    model_version TEXT NOT NULL
) STRICT;

CREATE TABLE maintenance_events (
    id INTEGER PRIMARY KEY,
    pump_id TEXT NOT NULL,
    time_ns INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
    sensor_name TEXT,
    sensor_value REAL,
    estimated_cost REAL,
    currency TEXT,
    resolved INTEGER NOT NULL DEFAULT 0 CHECK (resolved IN (0, 1)),
    resolved_at_ns INTEGER,
    resolved_by TEXT,
    note TEXT NOT NULL DEFAULT '',
    row_version INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    time_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    pump_id TEXT NOT NULL,
    severity TEXT NOT NULL,
    text TEXT NOT NULL,
    by TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX journal_by_time ON journal (time_ns);

-- Alarms that are not NORMAL, as they stand: a restart takes them up again.
CREATE TABLE open_alarms (
    alarm_id TEXT PRIMARY KEY,
    alarm TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What people ordered. Append-only; hash = SHA-256 of the hash before it and of the row, so a removed or altered row shows.
CREATE TABLE audit_log (
    id INTEGER PRIMARY KEY,
    time_ns INTEGER NOT NULL,
    action TEXT NOT NULL,
    pump_id TEXT NOT NULL,
    by TEXT NOT NULL,
    ok INTEGER NOT NULL CHECK (ok IN (0, 1)),
    text TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TRIGGER audit_log_keeps_rows BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;

CREATE TRIGGER audit_log_keeps_values BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;

-- INSERT OR REPLACE deletes without asking the trigger above.
CREATE TRIGGER audit_log_keeps_ids BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;
