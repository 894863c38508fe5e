-- Statements about schedules of queries.

-- name: find
-- A schedule with its query; a query without one is not found.
SELECT plan.query_id, plan.org_id, plan.next_at, plan.attempted_at, plan.failures, plan.error, plan.run_id,
       job.state AS run_state, job.error AS run_error
  FROM penstock.query_schedules AS plan
  LEFT JOIN penstock.job_runs AS job ON job.id = plan.run_id
 WHERE plan.query_id = $1

-- name: lock_query
-- The query of a plan that is about to be changed.
SELECT FROM penstock.queries WHERE id = $1 FOR KEY SHARE

-- name: lock
-- As `find`; nobody else changes it until the transaction ends.
SELECT plan.query_id, plan.org_id, plan.next_at, plan.attempted_at, plan.failures, plan.error, plan.run_id,
       job.state AS run_state, job.error AS run_error
  FROM penstock.query_schedules AS plan
  LEFT JOIN penstock.job_runs AS job ON job.id = plan.run_id
 WHERE plan.query_id = $1
   FOR UPDATE OF plan

-- name: put
-- From now on it runs then; what went wrong before is forgotten.
INSERT INTO penstock.query_schedules (query_id, org_id, next_at) VALUES ($1, $2, $3)
ON CONFLICT (query_id) DO UPDATE SET next_at = excluded.next_at, failures = 0, error = NULL

-- name: drop
-- It runs no more.
DELETE FROM penstock.query_schedules WHERE query_id = $1

-- name: note
-- What came of a turn, and when the next one is.
UPDATE penstock.query_schedules
   SET next_at = $2, attempted_at = coalesce($3, attempted_at), failures = $4, error = $5, run_id = $6
 WHERE query_id = $1

-- name: clear
-- The schedule is over; that is no edit of the query.
UPDATE penstock.queries SET schedule = NULL WHERE id = $1

-- name: last_result
-- When the query was last run for anybody.
SELECT max(retrieved_at) FROM penstock.query_results WHERE query_id = $1

-- name: outdated
-- Queries of an org whose turn has come.
SELECT query_id FROM penstock.query_schedules WHERE org_id = $1 AND next_at <= now() ORDER BY next_at LIMIT $2

-- name: forsaken
-- Schedules whose turn came a while ago ($1 seconds) without anybody taking it.
SELECT query_id, org_id FROM penstock.query_schedules
 WHERE next_at < now() - make_interval(secs => $1) ORDER BY next_at LIMIT $2
