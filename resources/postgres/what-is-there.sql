-- What is on a server, a line each.
SELECT format('schema version %s', version) FROM pumpwatch.schema_version
UNION ALL
SELECT format('table %s: about %s rows', relname, (
    SELECT coalesce(sum(greatest(part.reltuples, 0)), 0)::bigint FROM pg_class AS part
    WHERE part.oid = own.oid OR part.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = own.oid)
))
FROM pg_class AS own
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname IN (
    'stations', 'pumps', 'sensor_readings', 'sensor_rollups', 'anomaly_detections', 'maintenance_events', 'alarm_journal',
    'audit_log', 'members', 'live', 'station_files'
)
UNION ALL
SELECT format('months %s to %s', min(right(relname, 7)), max(right(relname, 7)))
FROM pg_class WHERE relnamespace = 'pumpwatch'::regnamespace AND relname ~ '^sensor_rollups_\d{4}_\d{2}$' AND relkind = 'r'
UNION ALL
SELECT format('hours of %s months, without %s that have changed since', (
    SELECT count(*) FROM pg_class WHERE relnamespace = 'pumpwatch'::regnamespace AND relkind = 'm' AND relname ~ '^sensor_hours_'
), (SELECT count(DISTINCT (station_id, pump_id, hour)) FROM pumpwatch.hours_changed))
UNION ALL
SELECT format('station %s: %s %ss', station_id, count(*), role) FROM public.members GROUP BY station_id, role;
