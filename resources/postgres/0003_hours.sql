-- Hours made of what stations send, for trends of months and years: a year of a pump is 525,600 minutes, and 8,760 hours.
-- It may be applied again at any time, as the files before it.
--
-- Two materialised views a month, in the schema that PostgREST does not expose: pumpwatch.sensor_hours_YYYY_MM of the
-- minutes, pumpwatch.score_hours_YYYY_MM of the detections. A materialised view has no row-level security of its own:
-- no account may read one, and the functions that do look first whether the account is a member of the station.
--
-- What is in none of them is in pumpwatch.hours_changed, or its month has no views yet: it is read from the rows that
-- were sent. So what a trend shows is right at any time, whether the views are refreshed or not; it only takes longer.
-- Stations ask for public.refresh_hours() while they have nothing to send. A server with pg_cron can do it itself:
--   SELECT cron.schedule('pumpwatch-hours', '*/15 * * * *', 'SELECT pumpwatch.refresh_month()');
-- A month of minutes that is dropped (DROP TABLE pumpwatch.sensor_rollups_2026_01) leaves its hours where they are.

-- ------------------------------------------------------------------ what has changed since

-- An hour of a pump of which rows came after its views were made; it may be there more than once.
CREATE TABLE IF NOT EXISTS pumpwatch.hours_changed (
    station_id integer NOT NULL,
    pump_id text NOT NULL,
    hour timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS hours_changed_by_pump ON pumpwatch.hours_changed (station_id, pump_id, hour);
CREATE INDEX IF NOT EXISTS hours_changed_by_hour ON pumpwatch.hours_changed (hour);
ALTER TABLE pumpwatch.hours_changed ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON pumpwatch.hours_changed FROM PUBLIC, anon, authenticated;

-- Before which moment (Unix seconds) no station gets a refresh: a sequence, for it outlasts a transaction that fails.
CREATE SEQUENCE IF NOT EXISTS pumpwatch.refresh_due AS bigint MINVALUE 0;
REVOKE ALL ON SEQUENCE pumpwatch.refresh_due FROM PUBLIC, anon, authenticated;

-- A mark that is there is held until the rows are in, so that a refresh cannot take it away and miss them. One that a
-- refresh is taking away is passed over and made again: rows that are sent never wait for a refresh.
CREATE OR REPLACE FUNCTION pumpwatch.note_hours() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    WITH wanted AS (
        SELECT DISTINCT station_id, pump_id, date_bin('1 hour', "timestamp", '2000-01-01Z') AS hour FROM sent
    ), held AS (
        SELECT c.station_id, c.pump_id, c.hour FROM pumpwatch.hours_changed AS c
        JOIN wanted USING (station_id, pump_id, hour) FOR SHARE OF c SKIP LOCKED
    )
    INSERT INTO pumpwatch.hours_changed (station_id, pump_id, hour) SELECT * FROM wanted EXCEPT SELECT * FROM held;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION pumpwatch.note_hours() FROM PUBLIC, anon;

CREATE OR REPLACE TRIGGER new_rows_note_hours AFTER INSERT ON public.sensor_rollups
REFERENCING NEW TABLE AS sent FOR EACH STATEMENT EXECUTE FUNCTION pumpwatch.note_hours();
CREATE OR REPLACE TRIGGER newer_rows_note_hours AFTER UPDATE ON public.sensor_rollups
REFERENCING NEW TABLE AS sent FOR EACH STATEMENT EXECUTE FUNCTION pumpwatch.note_hours();
CREATE OR REPLACE TRIGGER new_rows_note_hours AFTER INSERT ON public.anomaly_detections
REFERENCING NEW TABLE AS sent FOR EACH STATEMENT EXECUTE FUNCTION pumpwatch.note_hours();

-- ------------------------------------------------------------------ the views

-- Makes the two views of a month (its first moment, UTC), or refreshes them. Readers of them do not wait.
CREATE OR REPLACE FUNCTION pumpwatch.make_hours(month timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET timezone = 'UTC'
AS $$
DECLARE
    name text;
    source text;
    span text := format('"timestamp" >= %L AND "timestamp" < %L', month, month + interval '1 month');
BEGIN
    DELETE FROM pumpwatch.hours_changed WHERE hour >= month AND hour < month + interval '1 month';
    FOREACH name IN ARRAY ARRAY['sensor_hours', 'score_hours'] LOOP
        source := CASE name
            WHEN 'sensor_hours' THEN
                'SELECT station_id, pump_id, hour, jsonb_object_agg(tag, jsonb_build_array(low, mean, high, good, missing)) AS tags
                FROM (
                    SELECT station_id, pump_id, date_bin(''1 hour'', "timestamp", ''2000-01-01Z'') AS hour, key AS tag,
                        min((value ->> 0)::real) AS low, max((value ->> 2)::real) AS high,
                        (sum((value ->> 1)::float8 * (value ->> 3)::bigint) / nullif(sum((value ->> 3)::bigint), 0))::real AS mean,
                        sum((value ->> 3)::bigint) AS good, sum((value ->> 4)::bigint) AS missing
                    FROM public.sensor_rollups, jsonb_each(tags) WHERE %s GROUP BY 1, 2, 3, 4
                ) AS one GROUP BY 1, 2, 3'
            ELSE
                'SELECT station_id, pump_id, date_bin(''1 hour'', "timestamp", ''2000-01-01Z'') AS hour,
                    min("timestamp") AS first, max(score) AS score, count(*) FILTER (WHERE is_anomaly) AS anomalies
                FROM public.anomaly_detections WHERE %s GROUP BY 1, 2, 3'
        END;
        name := format('%s_%s', name, to_char(month, 'YYYY_MM'));
        IF to_regclass(format('pumpwatch.%I', name)) IS NULL THEN
            EXECUTE format('CREATE MATERIALIZED VIEW pumpwatch.%I AS %s', name, format(source, span));
            EXECUTE format('CREATE UNIQUE INDEX ON pumpwatch.%I (station_id, pump_id, hour)', name);
            EXECUTE format('REVOKE ALL ON pumpwatch.%I FROM PUBLIC, anon, authenticated', name);
        ELSE
            EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY pumpwatch.%I', name);
        END IF;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION pumpwatch.make_hours(timestamptz) FROM PUBLIC, anon, authenticated;

-- Makes or refreshes the views of one month, the one that needs it most: one that has none, then the one of which the most
-- hours have changed. A few hours that have changed are left: they are quickly read from their rows. Returns the month and
-- how long it took (s); null where there is nothing to do, or another refresh is under way.
CREATE OR REPLACE FUNCTION pumpwatch.refresh_month() RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET timezone = 'UTC'
AS $$
DECLARE
    few constant integer := 12;
    began timestamptz := clock_timestamp();
    chosen timestamptz;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('pumpwatch.refresh_month')) THEN
        RETURN NULL;
    END IF;
    SELECT month INTO chosen FROM (
        SELECT of_name.month, to_regclass('pumpwatch.sensor_hours_' || right(part.relname, 7)) IS NULL AS is_new, (
            SELECT count(DISTINCT hour) FROM pumpwatch.hours_changed
            WHERE hour >= of_name.month AND hour < of_name.month + interval '1 month'
        ) AS changed
        FROM pg_class AS part, LATERAL (
            SELECT to_date(right(part.relname, 7), 'YYYY_MM')::timestamptz AS month
        ) AS of_name
        WHERE part.relnamespace = 'pumpwatch'::regnamespace AND part.relkind = 'r'
            AND part.relname ~ '^sensor_rollups_\d{4}_\d{2}$'
    ) AS months
    WHERE changed >= few OR (is_new AND month + interval '1 month' < now() AND (
        EXISTS (SELECT FROM public.sensor_rollups
                WHERE "timestamp" >= month AND "timestamp" < month + interval '1 month')
        OR EXISTS (SELECT FROM public.anomaly_detections
                   WHERE "timestamp" >= month AND "timestamp" < month + interval '1 month')))
    ORDER BY is_new DESC, changed DESC, month DESC LIMIT 1;
    IF chosen IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM pumpwatch.make_hours(chosen);
    RETURN jsonb_build_object('month', to_char(chosen, 'YYYY-MM'), 'took_s', extract(epoch FROM clock_timestamp() - began));
END
$$;
REVOKE ALL ON FUNCTION pumpwatch.refresh_month() FROM PUBLIC, anon, authenticated;

-- For collectors, of all stations together once in ten minutes, and never more than a twentieth of the server's time: what
-- refresh_month did, and in how many seconds it may be asked again.
CREATE OR REPLACE FUNCTION public.refresh_hours() RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET statement_timeout = '15min'
AS $$
DECLARE
    wait_s bigint := 600;
    now_s bigint := floor(extract(epoch FROM clock_timestamp()));
    due_s bigint;
    done jsonb;
BEGIN
    IF cardinality(pumpwatch.stations_as('{collector}')) = 0 THEN
        RAISE EXCEPTION 'only the account of a station may ask for a refresh' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT last_value INTO due_s FROM pumpwatch.refresh_due;
    IF now_s < due_s AND due_s <= now_s + 86400 THEN
        RETURN jsonb_build_object('again_s', due_s - now_s);
    END IF;
    PERFORM setval('pumpwatch.refresh_due', now_s + wait_s);
    done := pumpwatch.refresh_month();
    wait_s := least(greatest(wait_s, 20 * (done ->> 'took_s')::double precision), 86400);
    PERFORM setval('pumpwatch.refresh_due', now_s + wait_s);
    RETURN coalesce(done, '{}') || jsonb_build_object('again_s', wait_s);
END
$$;

-- ------------------------------------------------------------------ reads

-- What is stored of a pump in a span, for a trend whose steps are hours: the hours, and where there is none of that hour
-- as it is now, the rows that were sent. `kind` is sensor_hours or score_hours; `wide_s` is what a row spans. Nothing of a
-- station of which the account is no member: this passes over row-level security.
CREATE OR REPLACE FUNCTION pumpwatch.hours(
    kind text, station integer, pump text, since timestamptz, until timestamptz
) RETURNS TABLE ("timestamp" timestamptz, wide_s double precision, tags jsonb, score real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET timezone = 'UTC'
AS $$
DECLARE
    month timestamptz;
    view text;
    first timestamptz;
    last timestamptz;
    of_rows text := CASE kind
        WHEN 'sensor_hours' THEN 'SELECT r."timestamp", 60::float8, r.tags, NULL::real FROM public.sensor_rollups AS r '
        ELSE 'SELECT r."timestamp", 0::float8, NULL::jsonb, r.score FROM public.anomaly_detections AS r ' END;
    of_hours text := CASE kind
        WHEN 'sensor_hours' THEN 'SELECT h.hour, 3600::float8, h.tags, NULL::real'
        ELSE 'SELECT h.first, 0::float8, NULL::jsonb, h.score' END;
BEGIN
    IF NOT coalesce(station = ANY (pumpwatch.stations_as('{collector,viewer,engineer,admin}')), false) THEN
        RETURN;
    END IF;
    since := greatest(since, '2020-01-01Z');  -- make_month takes nothing that is outside of these
    until := least(until, now() + interval '100 days');
    first := date_bin('1 hour', since + interval '1 hour' - interval '1 microsecond', '2000-01-01Z');
    last := date_bin('1 hour', until, '2000-01-01Z');
    of_rows := of_rows || 'WHERE r.station_id = $1 AND r.pump_id = $2 AND r."timestamp" >= $3 AND r."timestamp" < $4';
    IF first >= last THEN
        RETURN QUERY EXECUTE of_rows USING station, pump, since, until;
        RETURN;
    END IF;
    RETURN QUERY EXECUTE of_rows USING station, pump, since, first;
    RETURN QUERY EXECUTE of_rows USING station, pump, last, until;
    FOR month IN SELECT generate_series(date_trunc('month', first), last, interval '1 month') LOOP
        view := format('pumpwatch.%I', kind || to_char(month, '_YYYY_MM'));
        since := greatest(first, month);
        until := least(last, month + interval '1 month');
        IF to_regclass(view) IS NULL THEN
            RETURN QUERY EXECUTE of_rows USING station, pump, since, until;
            CONTINUE;
        END IF;
        RETURN QUERY EXECUTE format(
            '%s FROM %s AS h WHERE h.station_id = $1 AND h.pump_id = $2 AND h.hour >= $3 AND h.hour < $4 AND NOT EXISTS (
                SELECT FROM pumpwatch.hours_changed AS c
                WHERE c.station_id = $1 AND c.pump_id = $2 AND c.hour = h.hour)', of_hours, view)
        USING station, pump, since, until;
        RETURN QUERY EXECUTE
            'SELECT part.* FROM (
                SELECT DISTINCT c.hour FROM pumpwatch.hours_changed AS c
                WHERE c.station_id = $1 AND c.pump_id = $2 AND c.hour >= $3 AND c.hour < $4
            ) AS changed, LATERAL (' || replace(replace(of_rows, '$3', 'changed.hour'), '$4', 'changed.hour + interval ''1 hour''')
            || ') AS part'
        USING station, pump, since, until;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION pumpwatch.hours(text, integer, text, timestamptz, timestamptz) FROM PUBLIC, anon;
GRANT EXECUTE ON FUNCTION pumpwatch.hours(text, integer, text, timestamptz, timestamptz) TO authenticated;

-- A tag of a pump as one JSON value (rows are cut at 1,000 without a word): arrays time (Unix seconds), low, mean and high
-- of at most about `points` steps. Of up to two hours the readings, where they are sent, else the minutes; where a step is an
-- hour or more, the hours.
CREATE OR REPLACE FUNCTION public.trend(
    station integer, pump text, tag text, since timestamptz, until timestamptz, points integer DEFAULT 1000
) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = ''
AS $$
DECLARE
    source text := 'SELECT "timestamp" AS at, (tags -> $3 ->> 0)::real AS low, (tags -> $3 ->> 1)::real AS mean,
        (tags -> $3 ->> 2)::real AS high, (tags -> $3 ->> 3)::integer AS good FROM ';
    step double precision := greatest(extract(epoch FROM until - since) / least(greatest(points, 1), 10000), 0.001);
    found jsonb;
BEGIN
    IF until - since <= interval '2 hours' AND EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = 'sensor_readings' AND column_name = tag AND data_type = 'real'
    ) AND EXISTS (
        SELECT 1 FROM public.sensor_readings AS r
        WHERE r.station_id = station AND r.pump_id = pump AND r."timestamp" >= since AND r."timestamp" < until
    ) THEN
        source := format(
            'SELECT "timestamp" AS at, %1$I AS low, %1$I AS mean, %1$I AS high, (%1$I IS NOT NULL)::integer AS good
            FROM public.sensor_readings WHERE station_id = $1 AND pump_id = $2 AND "timestamp" >= $4 AND "timestamp" < $5
            AND $3 IS NOT NULL', tag);
    ELSIF step >= 3600 THEN
        source := source || 'pumpwatch.hours(''sensor_hours'', $1, $2, $4, $5)';
    ELSE
        source := source || 'public.sensor_rollups
            WHERE station_id = $1 AND pump_id = $2 AND "timestamp" >= $4 AND "timestamp" < $5';
    END IF;
    EXECUTE format(
        'SELECT jsonb_build_object(
            ''time'', coalesce(jsonb_agg(at ORDER BY at), ''[]''), ''low'', coalesce(jsonb_agg(low ORDER BY at), ''[]''),
            ''mean'', coalesce(jsonb_agg(mean ORDER BY at), ''[]''), ''high'', coalesce(jsonb_agg(high ORDER BY at), ''[]''))
        FROM (
            SELECT min(extract(epoch FROM at)) AS at, min(low) AS low, max(high) AS high,
                sum(mean * good) / nullif(sum(good), 0) AS mean
            FROM (%s) AS one GROUP BY floor(extract(epoch FROM at - $4) / $6)
        ) AS steps', source)
    INTO found USING station, pump, tag, since, until, step;
    RETURN found;
END
$$;

-- Quantities of a pump as columns over time, at most about `points` steps: `time` (Unix ms), and a list for each tag of
-- `low`, `mean` and `high`. Few readings come as they are. Of more than two hours the minutes, where they are sent;
-- where a step is an hour or more, the hours.
-- `score` and `score_time` are those of the stored detections.
CREATE OR REPLACE FUNCTION public.view_series(
    station integer, pump text, tags text[], since timestamptz, until timestamptz, points integer DEFAULT 2000
) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = ''
AS $$
DECLARE
    wanted integer := least(greatest(points, 1), 20000);
    known text[];
    tag text;
    place integer := 0;
    rows integer;
    is_raw boolean;
    source text;
    inner_columns text := '';
    outer_columns text := '';
    found jsonb;
    scores jsonb;
    step double precision := greatest(extract(epoch FROM until - since) / wanted, 0.001);
BEGIN
    SELECT coalesce(array_agg(column_name::text), '{}') INTO known FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = 'sensor_readings' AND data_type = 'real';
    is_raw := EXISTS (
        SELECT 1 FROM public.sensor_readings AS r
        WHERE r.station_id = station AND r.pump_id = pump AND r."timestamp" >= since AND r."timestamp" < until
    ) AND (until - since <= interval '2 hours' OR NOT EXISTS (
        SELECT 1 FROM public.sensor_rollups AS r
        WHERE r.station_id = station AND r.pump_id = pump AND r."timestamp" >= since AND r."timestamp" < until
    ));
    FOREACH tag IN ARRAY tags LOOP
        place := place + 1;
        IF is_raw THEN
            inner_columns := inner_columns || CASE WHEN tag = ANY (known)
                THEN format(', %1$I AS l%2$s, %1$I AS m%2$s, %1$I AS h%2$s, (%1$I IS NOT NULL)::integer AS n%2$s', tag, place)
                ELSE format(', NULL::real AS l%1$s, NULL::real AS m%1$s, NULL::real AS h%1$s, 0 AS n%1$s', place) END;
        ELSE
            inner_columns := inner_columns || format(
                ', (tags -> %1$L ->> 0)::real AS l%2$s, (tags -> %1$L ->> 1)::real AS m%2$s,
                (tags -> %1$L ->> 2)::real AS h%2$s, coalesce((tags -> %1$L ->> 3)::integer, 0) AS n%2$s', tag, place);
        END IF;
    END LOOP;
    IF step >= 3600 AND NOT is_raw THEN
        source := format(
            'SELECT extract(epoch FROM "timestamp") * 1000 + wide_s * 500 AS ms, wide_s %s
            FROM pumpwatch.hours(''sensor_hours'', $1, $2, $3, $4)', inner_columns);
        rows := wanted + 1;
    ELSE
        source := format(
            'SELECT extract(epoch FROM "timestamp") * 1000 + %s AS ms, 1 AS wide_s %s FROM %s
            WHERE station_id = $1 AND pump_id = $2 AND "timestamp" >= $3 AND "timestamp" < $4',
            CASE WHEN is_raw THEN 0 ELSE 30000 END, inner_columns,
            CASE WHEN is_raw THEN 'public.sensor_readings' ELSE 'public.sensor_rollups' END);
        EXECUTE format('SELECT count(*) FROM (%s LIMIT %s) AS first_ones', source, wanted + 1)
        INTO rows USING station, pump, since, until;
    END IF;
    IF rows > wanted THEN
        FOR place IN 1 .. coalesce(cardinality(tags), 0) LOOP
            outer_columns := outer_columns || format(
                ', min(l%1$s) AS l%1$s, sum(m%1$s * n%1$s) / nullif(sum(n%1$s), 0) AS m%1$s, max(h%1$s) AS h%1$s', place);
        END LOOP;
        source := format(
            'SELECT sum(ms * wide_s) / sum(wide_s) AS ms %s FROM (%s) AS one GROUP BY floor((ms / 1000 - extract(epoch FROM $3)) / $5)',
            outer_columns, source);
    END IF;
    outer_columns := '';
    FOR place IN 1 .. coalesce(cardinality(tags), 0) LOOP
        outer_columns := outer_columns || format(
            '%2$s jsonb_build_array(coalesce(jsonb_agg(l%1$s ORDER BY ms), ''[]''), coalesce(jsonb_agg(m%1$s ORDER BY ms),
            ''[]''), coalesce(jsonb_agg(h%1$s ORDER BY ms), ''[]''))', place, CASE place WHEN 1 THEN '' ELSE ',' END);
    END LOOP;
    EXECUTE format(
        'SELECT jsonb_build_object(''time'', coalesce(jsonb_agg(round(ms) ORDER BY ms), ''[]''), ''columns'',
        jsonb_build_array(%s)) FROM (%s) AS steps', outer_columns, source)
    INTO found USING station, pump, since, until, step;
    source := CASE WHEN step >= 3600 THEN 'pumpwatch.hours(''score_hours'', $1, $2, $3, $4)'
        ELSE 'public.anomaly_detections
            WHERE station_id = $1 AND pump_id = $2 AND "timestamp" >= $3 AND "timestamp" < $4' END;
    EXECUTE format(
        'SELECT jsonb_build_object(''score_time'', coalesce(jsonb_agg(ms ORDER BY ms), ''[]''),
                                   ''score'', coalesce(jsonb_agg(score ORDER BY ms), ''[]''))
        FROM (
            SELECT min(round(extract(epoch FROM "timestamp") * 1000)) AS ms, max(score) AS score
            FROM %s GROUP BY floor(extract(epoch FROM "timestamp" - $3) / $5)
        ) AS of_steps', source)
    INTO scores USING station, pump, since, until, step;
    RETURN found || scores || jsonb_build_object('raw', is_raw);
END
$$;

DO $$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY[
        'refresh_hours()', 'trend(integer, text, text, timestamptz, timestamptz, integer)',
        'view_series(integer, text, text[], timestamptz, timestamptz, integer)'
    ] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION public.%s FROM PUBLIC, anon', signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION public.%s TO authenticated', signature);
    END LOOP;
END
$$;

INSERT INTO pumpwatch.schema_version (version, oldest) VALUES (3, 1)
ON CONFLICT (only_row) DO UPDATE SET version = 3 WHERE schema_version.version < 3;
