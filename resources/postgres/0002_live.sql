-- What viewers need: the stations as they are now, the whole journal, what is read of the history at once, and the files
-- of a station, from which its computer can be set up again. It may be applied again at any time, as the file before it.

-- ------------------------------------------------------------------ now

CREATE SEQUENCE IF NOT EXISTS public.live_changes AS bigint;

-- A row a part of a station: 'site', 'alarms', 'maintenance', 'head', and 'now/ID' and 'more/ID' of each pump. It is what
-- the station shows, not a record: the rows of a second replace those of the second before, and none needs to outlast a
-- crash of the server, for the station sends all of it when it connects again.
CREATE UNLOGGED TABLE IF NOT EXISTS public.live (
    station_id integer NOT NULL,
    part text NOT NULL,
    change bigint NOT NULL DEFAULT 0,
    received timestamptz NOT NULL DEFAULT now(),
    content jsonb NOT NULL,
    PRIMARY KEY (station_id, part)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.2);

-- The clock of the server says how old a part is: those of stations and viewers may be wrong.
CREATE OR REPLACE FUNCTION pumpwatch.note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    NEW.change := nextval('public.live_changes');
    NEW.received := clock_timestamp();
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION pumpwatch.note_change() FROM PUBLIC, anon;
REVOKE ALL ON SEQUENCE public.live_changes FROM PUBLIC, anon, authenticated;

CREATE OR REPLACE TRIGGER live_notes_change BEFORE INSERT OR UPDATE ON public.live
FOR EACH ROW EXECUTE FUNCTION pumpwatch.note_change();

-- ------------------------------------------------------------------ the journal, and the files of a station

-- A program of before sends the lines of alarms alone, without these two.
ALTER TABLE public.alarm_journal ADD COLUMN IF NOT EXISTS kind text NOT NULL DEFAULT 'alarm';
ALTER TABLE public.alarm_journal ADD COLUMN IF NOT EXISTS time_ns bigint;

-- What the person who resolved an event said of the pump: NULL where that was not said, or by a program of before.
ALTER TABLE public.maintenance_events ADD COLUMN IF NOT EXISTS is_failure boolean;
ALTER TABLE public.maintenance_events ADD COLUMN IF NOT EXISTS down_from timestamptz;
ALTER TABLE public.maintenance_events ADD COLUMN IF NOT EXISTS down_s double precision;

-- Texts only: the site file, and the profiles and register maps of its own that it names. Never a password. All files of
-- a station are sent together whenever one has changed: those of the highest `generation` are what it has.
CREATE TABLE IF NOT EXISTS public.station_files (
    station_id integer NOT NULL,
    path text NOT NULL CHECK (path <> '' AND path !~ '(^/|\\|:|(^|/)\.\.(/|$))'),
    content text NOT NULL CHECK (length(content) <= 4000000),
    sha256 text NOT NULL,
    generation bigint NOT NULL,
    changed timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (station_id, path)
);

-- ------------------------------------------------------------------ row-level security

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['live', 'station_files'] LOOP
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, anon, authenticated', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON public.%I TO authenticated', name);
        EXECUTE format('DROP POLICY IF EXISTS members_read ON public.%I', name);
        EXECUTE format(
            'CREATE POLICY members_read ON public.%I FOR SELECT TO authenticated USING (station_id = ANY ('
            '(SELECT pumpwatch.stations_as(%L))::integer[]))', name,
            -- The files name addresses of devices: they are for those who set a station up.
            CASE name WHEN 'live' THEN '{collector,viewer,engineer,admin}' ELSE '{collector,engineer,admin}' END);
        EXECUTE format('DROP POLICY IF EXISTS collector_adds ON public.%I', name);
        EXECUTE format(
            'CREATE POLICY collector_adds ON public.%I FOR INSERT TO authenticated WITH CHECK (station_id = ANY ('
            '(SELECT pumpwatch.stations_as(''{collector}''))::integer[]))', name);
        EXECUTE format('DROP POLICY IF EXISTS collector_changes ON public.%I', name);
        EXECUTE format(
            'CREATE POLICY collector_changes ON public.%I FOR UPDATE TO authenticated USING (station_id = ANY ('
            '(SELECT pumpwatch.stations_as(''{collector}''))::integer[]))', name);
    END LOOP;
END
$$;

-- ------------------------------------------------------------------ reads
-- Each gives one JSON value, for rows are cut at 1,000 without a word. All see what the account may see, no more.

-- The stations, and the parts of them that came after the changes `seen` ({"7": 1234}).
CREATE OR REPLACE FUNCTION public.view_live(seen jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
    SELECT jsonb_build_object(
        'stations', (
            SELECT coalesce(jsonb_agg(jsonb_build_array(
                station_id, name, program, extract(epoch FROM clock_timestamp() - last_seen)) ORDER BY station_id), '[]')
            FROM public.stations
        ),
        'parts', (
            SELECT coalesce(jsonb_agg(jsonb_build_array(
                station_id, part, change, extract(epoch FROM clock_timestamp() - received), content) ORDER BY change), '[]')
            FROM public.live WHERE change > coalesce((seen ->> station_id::text)::bigint, 0)
        )
    )
$$;

-- Lines of the journal, the newest first. The key of a line is its id with the station in the last ten bits, for two
-- stations may give the same id. `before_ns` with `before_key`: what comes after that line on the next page.
CREATE OR REPLACE FUNCTION public.view_journal(
    station integer DEFAULT NULL, pump text DEFAULT NULL, words text DEFAULT NULL, kinds text[] DEFAULT NULL,
    before_ns bigint DEFAULT NULL, before_key bigint DEFAULT NULL, keys bigint[] DEFAULT NULL, most integer DEFAULT 1000
) RETURNS jsonb
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = ''
AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_array(key, at_ns, station_id, kind, pump_id, severity, text, by, detail)
                              ORDER BY at_ns DESC, key DESC), '[]')
    FROM (
        SELECT * FROM (
            SELECT station_id, "timestamp" AS at, kind, pump_id, severity, text, by, detail,
                (id << 10) | station_id AS key,
                coalesce(time_ns, (extract(epoch FROM "timestamp") * 1000000000)::bigint) AS at_ns
            FROM public.alarm_journal
            WHERE (station IS NULL OR station_id = station) AND (pump IS NULL OR pump_id = pump)
                AND (view_journal.kinds IS NULL OR kind = ANY (view_journal.kinds))
                AND (keys IS NULL OR (station_id, id) IN (SELECT (k & 1023)::integer, k >> 10 FROM unnest(keys) AS k))
                AND (words IS NULL OR strpos(lower(text), lower(words)) > 0 OR strpos(lower(by), lower(words)) > 0)
                AND (before_ns IS NULL OR "timestamp" <= to_timestamp(before_ns / 1000000000.0) + interval '1 ms')
        ) AS lines
        WHERE before_ns IS NULL OR at_ns < before_ns OR (at_ns = before_ns AND key < before_key)
        ORDER BY at DESC, at_ns DESC, key DESC LIMIT least(most, 10000)
    ) AS page
$$;

-- Detections of a pump, the oldest first.
CREATE OR REPLACE FUNCTION public.view_detections(
    station integer, pump text, since timestamptz, until timestamptz, most integer DEFAULT 10000
) RETURNS jsonb
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = ''
AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(one) - '{station_id,pump_id,timestamp}'::text[]
                              || jsonb_build_object('ms', round(extract(epoch FROM one."timestamp") * 1000))
                              ORDER BY one."timestamp"), '[]')
    FROM (
        SELECT * FROM public.anomaly_detections
        WHERE station_id = station AND pump_id = pump AND "timestamp" >= since AND "timestamp" < until
        ORDER BY "timestamp" LIMIT least(most, 100000)
    ) AS one
$$;

-- Readings of a pump as they are, from `since` on, the oldest first, at most `most` of them.
CREATE OR REPLACE FUNCTION public.view_readings(
    station integer, pump text, since timestamptz, until timestamptz, most integer DEFAULT 10000
) RETURNS jsonb
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = ''
AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(one) - '{station_id,pump_id,timestamp}'::text[]
                              || jsonb_build_object('ms', round(extract(epoch FROM one."timestamp") * 1000))
                              ORDER BY one."timestamp"), '[]')
    FROM (
        SELECT * FROM public.sensor_readings
        WHERE station_id = station AND pump_id = pump AND "timestamp" >= since AND "timestamp" < until
        ORDER BY "timestamp" LIMIT least(most, 20000)
    ) AS one
$$;

-- Minutes of a pump as they are: [minimum, mean, maximum, values, missing values] by tag.
CREATE OR REPLACE FUNCTION public.view_minutes(
    station integer, pump text, since timestamptz, until timestamptz, most integer DEFAULT 5000
) RETURNS jsonb
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = ''
AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_array(round(extract(epoch FROM at) * 1000), tags) ORDER BY at), '[]')
    FROM (
        SELECT "timestamp" AS at, tags FROM public.sensor_rollups
        WHERE station_id = station AND pump_id = pump AND "timestamp" >= since AND "timestamp" < until
        ORDER BY "timestamp" LIMIT least(most, 20000)
    ) AS one
$$;

-- The maintenance events: every open one, and the newest `most` of those that are resolved.
CREATE OR REPLACE FUNCTION public.view_maintenance(most integer DEFAULT 500) RETURNS jsonb
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = ''
AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(one)), '[]') FROM (
        (SELECT * FROM public.maintenance_events WHERE NOT resolved)
        UNION ALL
        (SELECT * FROM public.maintenance_events WHERE resolved ORDER BY resolved_at DESC, id DESC LIMIT most)
    ) AS one
$$;

-- The pumps that a station ever had, and the ends of what is stored of it (Unix ms; null: nothing).
CREATE OR REPLACE FUNCTION public.view_pumps() RETURNS jsonb
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = ''
AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'station_id', p.station_id, 'pump_id', p.pump_id, 'pump_number', p.pump_number, 'name', p.name, 'profile', p.profile,
        'raw_first', raw.first, 'raw_last', raw.last, 'first', minute.first, 'last', minute.last)
        ORDER BY p.station_id, p.pump_number), '[]')
    FROM public.pumps AS p,
    LATERAL (
        SELECT round(extract(epoch FROM min("timestamp")) * 1000) AS first,
            round(extract(epoch FROM max("timestamp")) * 1000) AS last
        FROM public.sensor_readings AS r WHERE r.station_id = p.station_id AND r.pump_id = p.pump_id
    ) AS raw,
    LATERAL (
        SELECT round(extract(epoch FROM min("timestamp")) * 1000) AS first,
            round(extract(epoch FROM max("timestamp")) * 1000) AS last
        FROM public.sensor_rollups AS r WHERE r.station_id = p.station_id AND r.pump_id = p.pump_id
    ) AS minute
$$;

-- The files of a station as they are now: [path, content, SHA-256, time of the change (Unix ms)].
CREATE OR REPLACE FUNCTION public.view_files(station integer) RETURNS jsonb
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = ''
AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_array(path, content, sha256, round(extract(epoch FROM changed) * 1000))
                              ORDER BY path), '[]')
    FROM public.station_files
    WHERE station_id = station
        AND generation = (SELECT max(generation) FROM public.station_files WHERE station_id = station)
$$;

-- Rows of the audit log of a station behind the id `after`, in order.
CREATE OR REPLACE FUNCTION public.view_audit(station integer, after bigint DEFAULT 0, most integer DEFAULT 5000)
RETURNS jsonb
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = ''
AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_array(id, time_ns, action, pump_id, by, ok, text, hash) ORDER BY id), '[]')
    FROM (
        SELECT * FROM public.audit_log WHERE station_id = station AND id > after ORDER BY id LIMIT least(most, 10000)
    ) AS one
$$;

DO $$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY[
        'view_live(jsonb)', 'view_journal(integer, text, text, text[], bigint, bigint, bigint[], integer)',
        'view_detections(integer, text, timestamptz, timestamptz, integer)',
        'view_readings(integer, text, timestamptz, timestamptz, integer)',
        'view_minutes(integer, text, timestamptz, timestamptz, integer)', 'view_maintenance(integer)',
        'view_pumps()', 'view_files(integer)', 'view_audit(integer, bigint, integer)'
    ] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION public.%s FROM PUBLIC, anon', signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION public.%s TO authenticated', signature);
    END LOOP;
END
$$;

INSERT INTO pumpwatch.schema_version (version, oldest) VALUES (2, 1)
ON CONFLICT (only_row) DO UPDATE SET version = 2 WHERE schema_version.version < 2;
