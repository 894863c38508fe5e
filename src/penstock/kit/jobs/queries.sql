-- name: defer
-- A run in the caller's transaction. With a key, the one that waits already is given, moved forward if need be.
INSERT INTO penstock.job_runs AS run (org_id, job, payload, key, most_attempts, due_at)
VALUES ($1, $2, $3::text::jsonb, $4, $5, now() + make_interval(secs => $6))
ON CONFLICT (job, key) WHERE state = 'todo' AND attempts = 0 AND key IS NOT NULL
DO UPDATE SET due_at = least(run.due_at, excluded.due_at)
RETURNING id

-- name: find
-- One run, for whoever may see it.
SELECT id, org_id, job, state, attempts, done, total, error, result::text AS result,
       created_at, started_at, finished_at
FROM penstock.job_runs
WHERE id = $1 AND ($2::bigint IS NULL OR org_id = $2)

-- name: cancel
-- What waits ends at once; what runs is asked to stop.
UPDATE penstock.job_runs
SET state = CASE state WHEN 'todo' THEN 'cancelled' ELSE state END,
    finished_at = CASE state WHEN 'todo' THEN now() END,
    stop_requested = true
WHERE id = $1 AND ($2::bigint IS NULL OR org_id = $2) AND state IN ('todo', 'doing')
RETURNING state

-- name: counts
-- How many wait, run and have ended, by job and state.
SELECT job, state, sum(number)::bigint AS number
FROM (
    SELECT job, state, count(*) AS number FROM penstock.job_runs GROUP BY job, state
    UNION ALL
    SELECT job, state, count FROM penstock.job_ends
) AS known
GROUP BY job, state ORDER BY job, state

-- name: workers
-- Those that are there, the oldest first.
SELECT id, name, concurrency, started_at, beat_at FROM penstock.job_workers ORDER BY started_at, id LIMIT $1

-- name: running
-- What is being done, the longest first.
SELECT id, org_id, job, worker, created_at, started_at FROM penstock.job_runs
WHERE state = 'doing' ORDER BY started_at, id LIMIT $1

-- name: take_turn
-- One worker claims at a time, so that no limit is passed; losing the claim with the server is harmless.
SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(7310519262)

-- name: claim
-- Runs of jobs ($1) that have not reached the number they may run at once ($2), nor that of their org ($5): $3 at most.
-- The job with the fewest under way comes first, and of a job that orgs share the org with the fewest, so that many of
-- one kind do not hold up another; then the longest due.
WITH busy AS (
    SELECT job, count(*) AS number FROM penstock.job_runs WHERE state = 'doing' GROUP BY job
), room AS (
    SELECT given.job, given.share, coalesce(busy.number, 0) AS busy,
           greatest(least($3, given.most - coalesce(busy.number, 0)), 0) AS places
    FROM unnest($1::text[], $2::int[], $5::int[]) AS given (job, most, share)
    LEFT JOIN busy ON busy.job = given.job
), org AS (
    SELECT room.job, waiting.org_id, room.share, (
        SELECT count(*) FROM penstock.job_runs AS other
        WHERE other.job = room.job AND other.state = 'doing'
          AND other.org_id IS NOT DISTINCT FROM waiting.org_id) AS busy
    FROM room, LATERAL (
        SELECT DISTINCT run.org_id FROM penstock.job_runs AS run
        WHERE run.job = room.job AND run.state = 'todo' AND run.due_at <= now()
    ) AS waiting
    WHERE room.share IS NOT NULL
), fair AS (
    SELECT org.job, one.id, org.busy + one.number AS turn
    FROM org, LATERAL (
        SELECT run.id, row_number() OVER (ORDER BY run.due_at, run.id) AS number
        FROM penstock.job_runs AS run
        WHERE run.job = org.job AND run.state = 'todo' AND run.due_at <= now()
          AND run.org_id IS NOT DISTINCT FROM org.org_id
        ORDER BY run.due_at, run.id
        LIMIT greatest(org.share - org.busy, 0)
    ) AS one
), found AS (
    SELECT room.job, room.busy, own.id, own.due_at, 0 AS turn
    FROM room, LATERAL (
        SELECT run.id, run.due_at FROM penstock.job_runs AS run
        WHERE run.job = room.job AND run.state = 'todo' AND run.due_at <= now()
        ORDER BY run.due_at, run.id
        LIMIT room.places
        FOR UPDATE SKIP LOCKED
    ) AS own
    WHERE room.share IS NULL
    UNION ALL
    SELECT room.job, room.busy, shared.id, shared.due_at, shared.turn
    FROM room, LATERAL (
        SELECT run.id, run.due_at, fair.turn
        FROM fair JOIN penstock.job_runs AS run ON run.id = fair.id AND run.state = 'todo'
        WHERE fair.job = room.job
        ORDER BY fair.turn, run.due_at, run.id
        LIMIT room.places
        FOR UPDATE OF run SKIP LOCKED
    ) AS shared
    WHERE room.share IS NOT NULL
), ready AS (
    SELECT id FROM found
    ORDER BY busy + row_number() OVER (PARTITION BY job ORDER BY turn, due_at, id), due_at, id
    LIMIT $3
)
UPDATE penstock.job_runs AS run
SET state = 'doing', worker = $4, attempts = run.attempts + 1, started_at = now(),
    done = NULL, total = NULL, error = NULL
FROM ready
WHERE run.id = ready.id
RETURNING run.id, run.org_id, run.job, run.payload::text AS payload, run.attempts, run.most_attempts

-- name: next_due
-- Seconds until the next run of these jobs is due; null when none lies ahead.
SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8
FROM penstock.job_runs WHERE state = 'todo' AND job = ANY ($1) AND due_at > now()

-- name: end
-- The end of an attempt, written by who holds it and by nobody else.
UPDATE penstock.job_runs
SET state = $4, error = $5, result = $6::text::jsonb, worker = NULL, finished_at = now()
WHERE id = $1 AND worker = $2 AND attempts = $3 AND state = 'doing'

-- name: settle
-- What came of attempts, each written by who holds it and by nobody else. `todo` is another attempt, later, but not
-- for a run that somebody wants stopped; one that was handed back does not count.
WITH settled AS (
    UPDATE penstock.job_runs AS run
    SET state = CASE WHEN given.state = 'todo' AND run.stop_requested THEN 'aborted' ELSE given.state END,
        finished_at = CASE WHEN given.state <> 'todo' OR run.stop_requested THEN now() END,
        error = CASE WHEN given.uncounted THEN run.error ELSE given.error END,
        result = given.result::jsonb,
        worker = NULL,
        due_at = CASE WHEN given.state = 'todo' THEN now() + make_interval(secs => given.delay) ELSE run.due_at END,
        most_attempts = run.most_attempts + given.uncounted::int
    FROM unnest($1::bigint[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::float8[], $8::bool[])
        AS given (id, worker, attempt, state, error, result, delay, uncounted)
    WHERE run.id = given.id AND run.worker = given.worker AND run.attempts = given.attempt AND run.state = 'doing'
    RETURNING run.id
)
SELECT coalesce(array_agg(id), '{}') AS runs FROM settled

-- name: hand_back
-- A worker that stops gives back what it could not finish; that attempt does not count.
UPDATE penstock.job_runs
SET state = CASE WHEN stop_requested THEN 'aborted' ELSE 'todo' END,
    finished_at = CASE WHEN stop_requested THEN now() END,
    worker = NULL, due_at = now(), most_attempts = most_attempts + 1
WHERE id = $1 AND worker = $2 AND attempts = $3 AND state = 'doing'

-- name: progress
-- How far an attempt came.
UPDATE penstock.job_runs SET done = $4, total = $5
WHERE id = $1 AND worker = $2 AND attempts = $3 AND state = 'doing'

-- name: register
-- A worker says that it is there, before it claims anything.
INSERT INTO penstock.job_workers (id, name, concurrency) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET beat_at = now()

-- name: beat
-- A worker says that it is still there; no row means that others gave it up and took its runs.
UPDATE penstock.job_workers SET beat_at = now() WHERE id = $1

-- name: leave
-- A worker goes.
DELETE FROM penstock.job_workers WHERE id = $1

-- name: held
-- What a worker is busy with, as far as the queue knows.
SELECT id, attempts, stop_requested FROM penstock.job_runs WHERE state = 'doing' AND worker = $1

-- name: rescue
-- The runs of workers that died: tried again while attempts are left.
WITH dead AS (
    DELETE FROM penstock.job_workers WHERE beat_at < now() - make_interval(secs => $1) RETURNING id
)
UPDATE penstock.job_runs AS run
SET state = CASE WHEN run.stop_requested THEN 'aborted'
                 WHEN run.attempts < run.most_attempts THEN 'todo'
                 ELSE 'failed' END,
    finished_at = CASE WHEN run.stop_requested OR run.attempts >= run.most_attempts THEN now() END,
    error = 'The worker died in the middle of attempt ' || run.attempts || '.',
    worker = NULL,
    due_at = now()
WHERE run.state = 'doing'
  AND (run.worker IN (SELECT id FROM dead)
       OR NOT EXISTS (SELECT 1 FROM penstock.job_workers AS known WHERE known.id = run.worker))
RETURNING run.id, run.job, run.state

-- name: plan_schedules
-- Schedules that nobody knew yet, or that went, with their jobs, from this release's list.
INSERT INTO penstock.job_schedules (job, next_at)
SELECT job, now() FROM unnest($1::text[]) AS job ON CONFLICT (job) DO NOTHING

-- name: due_schedules
-- Takes the turns that have come; whoever updates the row defers the job.
UPDATE penstock.job_schedules AS schedule
SET next_at = now() + make_interval(secs => given.every)
FROM unnest($1::text[], $2::float8[]) AS given (job, every)
WHERE schedule.job = given.job AND schedule.next_at <= now()
RETURNING schedule.job

-- name: clean
-- Forgets ends: those that went well after $1 seconds, the others after $2; their number stays. $3 at a time.
WITH gone AS (
    DELETE FROM penstock.job_runs
    WHERE id IN (
        SELECT id FROM penstock.job_runs
        WHERE finished_at < now() - make_interval(secs => $1)
          AND (state IN ('succeeded', 'cancelled') OR finished_at < now() - make_interval(secs => $2))
        LIMIT $3
    )
    RETURNING job, state
), kept AS (
    INSERT INTO penstock.job_ends AS known (job, state, count)
    SELECT job, state, count(*) FROM gone GROUP BY job, state
    ON CONFLICT (job, state) DO UPDATE SET count = known.count + excluded.count
)
SELECT count(*) FROM gone

-- name: idle
-- For the doctor: runs that have been due for a while, and workers that are there.
SELECT (SELECT count(*) FROM penstock.job_runs
        WHERE state = 'todo' AND due_at < now() - make_interval(secs => $1)) AS waiting,
       (SELECT count(*) FROM penstock.job_workers
        WHERE beat_at > now() - make_interval(secs => $1)) AS workers
