-- The server side of PumpWatch's sync, for PostgreSQL 15 and later behind PostgREST: a Supabase project or a server of
-- the plant. It may be applied again at any time: what is there already stays as it is.
--
-- Who may do what is in public.members: a user (the `sub` of its token) has a role at a station.
--   collector   the account of a station: writes that station's rows
--   viewer, engineer, admin   read that station's rows
-- A member is added by whoever owns the database:
--   INSERT INTO public.members (user_id, station_id, role) VALUES ('<id of the user>', 7, 'collector');

DO $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname IN ('sensor_readings', 'anomaly_detections')
    ) THEN
        RAISE EXCEPTION 'public.sensor_readings or public.anomaly_detections is of another program (it has no partitions): '
            'move it to another schema first (ALTER TABLE … SET SCHEMA …)';
    END IF;
END
$$;

-- Hosted Supabase has these roles.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'anon') THEN
        CREATE ROLE anon NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'authenticated') THEN
        CREATE ROLE authenticated NOLOGIN;
    END IF;
END
$$;

-- Not exposed by PostgREST: the partitions, and what decides who may see what.
CREATE SCHEMA IF NOT EXISTS pumpwatch;
REVOKE ALL ON SCHEMA pumpwatch FROM PUBLIC, anon;
GRANT USAGE ON SCHEMA pumpwatch TO authenticated;
GRANT USAGE ON SCHEMA public TO anon, authenticated;

-- `version` is that of the newest of these files; `oldest` is the oldest that a program may know and still send.
CREATE TABLE IF NOT EXISTS pumpwatch.schema_version (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version integer NOT NULL,
    oldest integer NOT NULL
);

CREATE TABLE IF NOT EXISTS public.members (
    user_id text NOT NULL,
    station_id integer NOT NULL CHECK (station_id BETWEEN 1 AND 1023),
    role text NOT NULL CHECK (role IN ('collector', 'viewer', 'engineer', 'admin')),
    PRIMARY KEY (user_id, station_id)
);

CREATE TABLE IF NOT EXISTS public.stations (
    station_id integer PRIMARY KEY CHECK (station_id BETWEEN 1 AND 1023),
    name text NOT NULL,
    program text NOT NULL DEFAULT '',
    backlog bigint NOT NULL DEFAULT 0,
    last_seen timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS public.pumps (
    station_id integer NOT NULL,
    pump_id text NOT NULL,
    pump_number integer NOT NULL,
    name text NOT NULL,
    profile jsonb NOT NULL,
    PRIMARY KEY (station_id, pump_id)
);

-- The original's columns, with station and pump, and the quality as bit masks over the tags of the pump's profile (a bad
-- value is NULL). Further sensors get columns by ensure_sensor_columns.
CREATE TABLE IF NOT EXISTS public.sensor_readings (
    station_id integer NOT NULL,
    pump_id text NOT NULL,
    "timestamp" timestamptz NOT NULL,
    id bigint NOT NULL,
    motor_rpm real,
    bearing_temperature_c real,
    oil_pressure_bar real,
    vibration_mm_s real,
    flow_rate_l_min real,
    suction_pressure_bar real,
    discharge_pressure_bar real,
    motor_current_a real,
    casing_temperature_c real,
    ambient_temperature_c real,
    machine_status text NOT NULL,
    uncertain_mask bigint NOT NULL DEFAULT 0,
    bad_mask bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (station_id, pump_id, "timestamp")
) PARTITION BY RANGE ("timestamp");

-- A row a minute: tags holds [minimum, mean, maximum, values, missing values] by tag.
CREATE TABLE IF NOT EXISTS public.sensor_rollups (
    station_id integer NOT NULL,
    pump_id text NOT NULL,
    "timestamp" timestamptz NOT NULL,
    tags jsonb NOT NULL,
    PRIMARY KEY (station_id, pump_id, "timestamp")
) PARTITION BY RANGE ("timestamp");

-- No foreign key to the readings: it would keep an old month of them from being dropped.
CREATE TABLE IF NOT EXISTS public.anomaly_detections (
    station_id integer NOT NULL,
    pump_id text NOT NULL,
    "timestamp" timestamptz NOT NULL,
    id bigint NOT NULL,
    reading_id bigint NOT NULL,
    is_anomaly boolean NOT NULL,
    reconstruction_loss real,
    threshold real,
    sensor_states jsonb NOT NULL,
    sensor_anomaly_counts jsonb NOT NULL,
    sensor_shares jsonb NOT NULL,
    score real,
    kind text NOT NULL,
    model_version text NOT NULL,
    PRIMARY KEY (station_id, pump_id, "timestamp")
) PARTITION BY RANGE ("timestamp");

CREATE TABLE IF NOT EXISTS public.maintenance_events (
    station_id integer NOT NULL,
    event_id text NOT NULL,
    id bigint NOT NULL,
    pump_id text NOT NULL,
    "timestamp" timestamptz NOT NULL,
    event_type text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
    sensor_name text,
    sensor_value real,
    estimated_cost double precision,
    currency text,
    resolved boolean NOT NULL DEFAULT false,
    resolved_at timestamptz,
    resolved_by text,
    note text,
    row_version integer NOT NULL DEFAULT 1,
    source text,
    title text,
    unit text,
    cost_basis text,
    recommendation text,
    assigned_to text,
    due timestamptz,
    finding text,
    actual_cost double precision,
    notes jsonb NOT NULL DEFAULT '[]',
    created_by text,
    PRIMARY KEY (station_id, event_id)
);

CREATE TABLE IF NOT EXISTS public.alarm_journal (
    station_id integer NOT NULL,
    id bigint NOT NULL,
    "timestamp" timestamptz NOT NULL,
    pump_id text NOT NULL,
    severity text NOT NULL,
    text text NOT NULL,
    by text NOT NULL,
    detail jsonb NOT NULL,
    PRIMARY KEY (station_id, id)
);

-- hash is the station's chain, over its values and time_ns: what is altered here shows there, and the other way round.
CREATE TABLE IF NOT EXISTS public.audit_log (
    station_id integer NOT NULL,
    id bigint NOT NULL,
    "timestamp" timestamptz NOT NULL,
    time_ns bigint NOT NULL,
    action text NOT NULL,
    pump_id text NOT NULL,
    by text NOT NULL,
    ok boolean NOT NULL,
    text text NOT NULL,
    hash text NOT NULL,
    PRIMARY KEY (station_id, id)
);

CREATE INDEX IF NOT EXISTS maintenance_events_by_time ON public.maintenance_events (station_id, "timestamp");
CREATE INDEX IF NOT EXISTS alarm_journal_by_time ON public.alarm_journal (station_id, "timestamp");

-- ------------------------------------------------------------------ who is asking

CREATE OR REPLACE FUNCTION pumpwatch.user_id() RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub' $$;

-- The stations at which who is asking has one of these roles. Policies call it in a subquery: once a statement.
CREATE OR REPLACE FUNCTION pumpwatch.stations_as(roles text[]) RETURNS integer[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce(array_agg(station_id), '{}') FROM public.members
    WHERE user_id = pumpwatch.user_id() AND role = ANY (roles)
$$;

REVOKE ALL ON FUNCTION pumpwatch.user_id(), pumpwatch.stations_as(text[]) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION pumpwatch.user_id(), pumpwatch.stations_as(text[]) TO authenticated;

-- ------------------------------------------------------------------ row-level security

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['stations', 'pumps', 'sensor_readings', 'sensor_rollups', 'anomaly_detections',
                                'maintenance_events', 'alarm_journal', 'audit_log', 'members'] LOOP
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, anon, authenticated', name);
        EXECUTE format('GRANT SELECT ON public.%I TO authenticated', name);
        IF name = 'members' THEN
            CONTINUE;
        END IF;
        EXECUTE format('GRANT INSERT ON public.%I TO authenticated', name);
        EXECUTE format('DROP POLICY IF EXISTS members_read ON public.%I', name);
        EXECUTE format(
            'CREATE POLICY members_read ON public.%I FOR SELECT TO authenticated USING (station_id = ANY ('
            '(SELECT pumpwatch.stations_as(''{collector,viewer,engineer,admin}''))::integer[]))', name);
        EXECUTE format('DROP POLICY IF EXISTS collector_adds ON public.%I', name);
        EXECUTE format(
            'CREATE POLICY collector_adds ON public.%I FOR INSERT TO authenticated WITH CHECK (station_id = ANY ('
            '(SELECT pumpwatch.stations_as(''{collector}''))::integer[]))', name);
    END LOOP;
    -- What a station may send again: the newer row replaces the older.
    FOREACH name IN ARRAY ARRAY['stations', 'pumps', 'sensor_rollups', 'maintenance_events'] LOOP
        EXECUTE format('GRANT UPDATE ON public.%I TO authenticated', name);
        EXECUTE format('DROP POLICY IF EXISTS collector_changes ON public.%I', name);
        EXECUTE format(
            'CREATE POLICY collector_changes ON public.%I FOR UPDATE TO authenticated USING (station_id = ANY ('
            '(SELECT pumpwatch.stations_as(''{collector}''))::integer[]))', name);
    END LOOP;
END
$$;

DROP POLICY IF EXISTS own_rows ON public.members;
CREATE POLICY own_rows ON public.members FOR SELECT TO authenticated USING (user_id = (SELECT pumpwatch.user_id()));

-- ------------------------------------------------------------------ rows that keep what they are

CREATE OR REPLACE FUNCTION pumpwatch.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE OR REPLACE TRIGGER audit_log_keeps_rows BEFORE UPDATE OR DELETE ON public.audit_log
FOR EACH ROW EXECUTE FUNCTION pumpwatch.refuse_change();
CREATE OR REPLACE TRIGGER audit_log_keeps_all BEFORE TRUNCATE ON public.audit_log
FOR EACH STATEMENT EXECUTE FUNCTION pumpwatch.refuse_change();

-- An event that is sent again, late, does not undo a newer change.
CREATE OR REPLACE FUNCTION pumpwatch.keep_newer() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NEW.row_version < OLD.row_version THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER maintenance_events_keep_newer BEFORE UPDATE ON public.maintenance_events
FOR EACH ROW EXECUTE FUNCTION pumpwatch.keep_newer();

CREATE OR REPLACE FUNCTION pumpwatch.note_time() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    NEW.last_seen := now();
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER stations_note_time BEFORE INSERT OR UPDATE ON public.stations
FOR EACH ROW EXECUTE FUNCTION pumpwatch.note_time();

REVOKE ALL ON FUNCTION pumpwatch.refuse_change(), pumpwatch.keep_newer(), pumpwatch.note_time() FROM PUBLIC, anon;

-- ------------------------------------------------------------------ months

-- The partitions of the month of a day.
CREATE OR REPLACE FUNCTION pumpwatch.make_month(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    parent text;
    part text;
    first timestamptz := date_trunc('month', day::timestamp) AT TIME ZONE 'UTC';
    next timestamptz := (date_trunc('month', day::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('pumpwatch.make_month'));
    FOREACH parent IN ARRAY ARRAY['sensor_readings', 'sensor_rollups', 'anomaly_detections'] LOOP
        part := format('%s_%s', parent, to_char(day, 'YYYY_MM'));
        IF to_regclass(format('pumpwatch.%I', part)) IS NOT NULL THEN
            CONTINUE;
        END IF;
        EXECUTE format('CREATE TABLE pumpwatch.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
                       part, parent, first, next);
        EXECUTE format('ALTER TABLE pumpwatch.%I ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('REVOKE ALL ON pumpwatch.%I FROM PUBLIC, anon, authenticated', part);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION pumpwatch.make_month(date) FROM PUBLIC, anon, authenticated;

-- For collectors: months from 2020 to the next but one.
CREATE OR REPLACE FUNCTION public.ensure_month(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF cardinality(pumpwatch.stations_as('{collector}')) = 0 THEN
        RAISE EXCEPTION 'only the account of a station may add a month' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF day < date '2020-01-01' OR day > now() + interval '62 days' THEN
        RAISE EXCEPTION 'no month is made for %', day USING ERRCODE = 'datetime_field_overflow';
    END IF;
    PERFORM pumpwatch.make_month(day);
END
$$;

-- ------------------------------------------------------------------ sensors beyond the ten

CREATE OR REPLACE FUNCTION public.ensure_sensor_columns(tags text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    tag text;
    there integer;
BEGIN
    IF cardinality(pumpwatch.stations_as('{collector}')) = 0 THEN
        RAISE EXCEPTION 'only the account of a station may add a sensor' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT count(*) INTO there FROM pg_attribute
    WHERE attrelid = 'public.sensor_readings'::regclass AND attnum > 0 AND NOT attisdropped;
    FOREACH tag IN ARRAY tags LOOP
        IF tag !~ '^[a-z][a-z0-9_]{0,62}$' THEN
            RAISE EXCEPTION 'the tag % cannot be a column', quote_literal(tag) USING ERRCODE = 'invalid_name';
        END IF;
        IF EXISTS (
            SELECT 1 FROM pg_attribute
            WHERE attrelid = 'public.sensor_readings'::regclass AND attname = tag AND NOT attisdropped
        ) THEN
            CONTINUE;
        END IF;
        IF there >= 1500 THEN
            RAISE EXCEPTION 'the table of the readings has no room for more sensors' USING ERRCODE = 'too_many_columns';
        END IF;
        EXECUTE format('ALTER TABLE public.sensor_readings ADD COLUMN IF NOT EXISTS %I real', tag);
        there := there + 1;
    END LOOP;
    NOTIFY pgrst, 'reload schema';
END
$$;

-- ------------------------------------------------------------------ reads

CREATE OR REPLACE FUNCTION public.pumpwatch_version() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$ SELECT jsonb_build_object('version', version, 'oldest', oldest) FROM pumpwatch.schema_version $$;

REVOKE ALL ON FUNCTION public.ensure_month(date), public.ensure_sensor_columns(text[]), public.pumpwatch_version()
    FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION public.ensure_month(date), public.ensure_sensor_columns(text[]), public.pumpwatch_version()
    TO authenticated;

SELECT pumpwatch.make_month(current_date), pumpwatch.make_month((current_date + interval '1 month')::date);

INSERT INTO pumpwatch.schema_version (version, oldest) VALUES (1, 1)
ON CONFLICT (only_row) DO UPDATE SET version = 1, oldest = 1 WHERE schema_version.version < 1;
