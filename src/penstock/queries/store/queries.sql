-- Statements about results and runs of queries.

-- name: newest_result
-- The newest result of a fingerprint ($2), not older than $3 seconds when that is given.
SELECT id, org_id, fingerprint, request::text AS request, query_hash, query_text, data_source_id, query_id, file,
       columns::text AS columns, ends, size, truncated, runtime, retrieved_at
  FROM penstock.query_results
 WHERE org_id = $1 AND fingerprint = $2
   AND ($3::float8 IS NULL OR retrieved_at >= now() - make_interval(secs => $3))
 ORDER BY retrieved_at DESC, id DESC
 LIMIT 1

-- name: newest_of
-- The newest result of each of these saved queries.
SELECT DISTINCT ON (query_id)
       id, org_id, fingerprint, request::text AS request, query_hash, query_text, data_source_id, query_id, file,
       columns::text AS columns, ends, size, truncated, runtime, retrieved_at
  FROM penstock.query_results
 WHERE org_id = $1 AND query_id = ANY ($2::bigint[])
 ORDER BY query_id, retrieved_at DESC, id DESC

-- name: result
-- One result.
SELECT id, org_id, fingerprint, request::text AS request, query_hash, query_text, data_source_id, query_id, file,
       columns::text AS columns, ends, size, truncated, runtime, retrieved_at
  FROM penstock.query_results
 WHERE org_id = $1 AND id = $2

-- name: add_result
-- A finished result; from here on it is seen.
INSERT INTO penstock.query_results
       (org_id, fingerprint, request, query_hash, query_text, data_source_id, query_id, file, columns, ends, size,
        truncated, runtime)
SELECT $1, $2, $3::text::jsonb, $4, $5,
       (SELECT id FROM penstock.data_sources WHERE id = $6), (SELECT id FROM penstock.queries WHERE id = $7),
       $8, $9::text::jsonb, $10::bigint[], $11, $12, $13
RETURNING id

-- name: forgotten_results
-- Results older than $1 seconds, but for the newest of each saved query; $2 at a time.
SELECT id, file FROM penstock.query_results AS old
 WHERE retrieved_at < now() - make_interval(secs => $1)
   AND (query_id IS NULL OR EXISTS (
        SELECT FROM penstock.query_results AS newer
         WHERE newer.query_id = old.query_id AND (newer.retrieved_at, newer.id) > (old.retrieved_at, old.id)))
 LIMIT $2

-- name: drop_results
-- Results whose files are about to be deleted.
DELETE FROM penstock.query_results WHERE id = ANY ($1::bigint[])

-- name: known_files
-- Which of these files belong to a result.
SELECT file FROM penstock.query_results WHERE file = ANY ($1::text[])

-- name: lock_fingerprint
-- Two who ask for the same at once wait for each other, and the second joins the first.
SELECT pg_advisory_xact_lock(hashtextextended($1, 7310519263))

-- name: joinable
-- A run of the same query that waits or runs.
SELECT run.run_id
  FROM penstock.query_runs AS run JOIN penstock.job_runs AS job ON job.id = run.run_id
 WHERE run.org_id = $1 AND run.fingerprint = $2 AND job.state IN ('todo', 'doing') AND NOT job.stop_requested
 ORDER BY run.run_id DESC
 LIMIT 1

-- name: add_run
-- For whom a run is.
INSERT INTO penstock.query_runs (run_id, org_id, fingerprint, data_source_id, query_id, user_id, key_id)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: run
-- A run of a query, and whether $3 has joined it, and left it.
SELECT run.run_id, run.org_id, run.fingerprint, run.data_source_id, run.query_id, run.user_id, run.key_id,
       asker.run_id IS NOT NULL AS is_joined, coalesce(asker.has_left, false) AS is_left
  FROM penstock.query_runs AS run
  LEFT JOIN penstock.query_run_askers AS asker ON asker.run_id = run.run_id AND asker.asker = $3
 WHERE run.run_id = $1 AND run.org_id = $2

-- name: join_run
-- $2 waits for a run, (again) or for the first time.
INSERT INTO penstock.query_run_askers (run_id, asker) VALUES ($1, $2)
    ON CONFLICT (run_id, asker) DO UPDATE SET has_left = false

-- name: leave_run
-- $2 waits for a run no more.
INSERT INTO penstock.query_run_askers (run_id, asker, has_left) VALUES ($1, $2, true)
    ON CONFLICT (run_id, asker) DO UPDATE SET has_left = true

-- name: others_wait
-- Whether anybody but $2 waits for a run: who asked first, unless they left, or who joined.
SELECT EXISTS (
         SELECT FROM penstock.query_runs AS run
          WHERE run.run_id = $1 AND coalesce(run.user_id, -run.key_id) <> $2
            AND NOT EXISTS (
                  SELECT FROM penstock.query_run_askers AS asker
                   WHERE asker.run_id = $1 AND asker.asker = coalesce(run.user_id, -run.key_id) AND asker.has_left))
    OR EXISTS (
         SELECT FROM penstock.query_run_askers WHERE run_id = $1 AND asker <> $2 AND NOT has_left)

-- name: counted
-- How much an org has of what it shows the number of.
SELECT (SELECT count(*) FROM penstock.memberships WHERE org_id = $1) AS users,
       (SELECT count(*) FROM penstock.alerts WHERE org_id = $1) AS alerts,
       (SELECT count(*) FROM penstock.data_sources WHERE org_id = $1 AND is_active) AS data_sources,
       (SELECT count(*) FROM penstock.queries WHERE org_id = $1 AND NOT is_archived) AS queries,
       (SELECT count(*) FROM penstock.dashboards WHERE org_id = $1 AND NOT is_archived) AS dashboards

-- name: installed
-- How much there is of it in all orgs, in numbers and bytes.
SELECT (SELECT count(*) FROM penstock.queries WHERE NOT is_archived) AS queries,
       (SELECT count(*) FROM penstock.dashboards WHERE NOT is_archived) AS dashboards,
       (SELECT count(*) FROM penstock.widgets) AS widgets,
       results.number AS query_results, results.number - results.shown AS unused_query_results, results.size AS results_size,
       (SELECT count(*) FROM penstock.query_schedules WHERE next_at <= now()) AS outdated,
       pg_database_size(current_database()) AS size
  FROM (SELECT count(*) AS number, count(DISTINCT query_id) AS shown, coalesce(sum(size), 0)::bigint AS size
          FROM penstock.query_results) AS results

-- name: payload
-- What a run was asked.
SELECT payload::text FROM penstock.job_runs WHERE id = $1

-- name: position
-- How many runs of queries of the org are before this one, which waits.
SELECT count(*) FROM penstock.job_runs AS mine
  JOIN penstock.job_runs AS other
    ON other.job = mine.job AND other.org_id = mine.org_id AND other.state = 'todo'
   AND (other.due_at, other.id) < (mine.due_at, mine.id)
 WHERE mine.id = $1 AND mine.state = 'todo'
