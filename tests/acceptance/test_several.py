"""Two servers and two workers over one PostgreSQL and one bucket do what one of each does, and share the work."""

from __future__ import annotations

import csv
import http.server
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.acceptance.several import REGIONS, Several, done, ended, rows, several
from tests.acceptance.test_crash_queries import RUNNING, SLOW
from tests.acceptance.test_seed_explorer import BY_SQL, curl, pages
from tests.s3 import emulator, put
from tests.server.test_processes import eventually

__all__ = ["emulator", "several"]
CLIENTS, EACH = 8, 15
POSITION = {"position": {"col": 0, "row": 0, "sizeX": 6, "sizeY": 8}}
BY_REGION = "SELECT region, count(*) AS n FROM items GROUP BY region ORDER BY region"
PER_REGION = len(REGIONS) * 10
CHART = {"globalSeriesType": "column", "columnMapping": {"region": "x", "n": "y"}}


def test_the_explorer_from_either(several: Several) -> None:
    one, other = several.servers
    status, made = curl(one, BY_SQL)
    assert status == 200
    found = list(pages(other, made["query_slug"]))
    assert [len(page) for page in found] == [100, 100, 50]
    assert list(pages(one, made["query_slug"])) == found


def test_pages_of_the_explorer_under_rules(several: Several) -> None:
    """A slug made on one server shows each reader their own rows on the other, whoever asks first."""
    body = {"sql_query": "SELECT id, region FROM items ORDER BY id"}
    for makes, reads in ((0, 1), (1, 0)):
        slug = done(several.clients[makes].post("/api/queries", json=body))["query_slug"]
        with (
            several.client(reads, several.keys["north"]) as north,
            several.client(makes, several.keys["south"]) as south,
        ):
            # One of them comes before the maker has, the other after.
            for reader in (north, several.clients[reads], south, north):
                page = done(reader.get(f"/api/queries/{slug}/results"))["data"]
                seen = {row["region"] for row in page}
                wanted = {north: {"north"}, south: {"south"}}.get(reader, set(REGIONS))
                assert seen == wanted and len(page) == len(wanted) * PER_REGION


def test_results_and_links_from_either(several: Several) -> None:
    one, other = several.clients
    query = several.query(one, "SELECT id, description FROM table_name")["id"]
    job = done(other.post(f"/api/queries/{query}/results", json={}))["job"]
    assert ended(one, job)["status"] == 3
    texts = [client.get(f"/api/queries/{query}/results.csv").text for client in (one, other)]
    assert texts[0] == texts[1] and texts[0].count("\r\n") == 251
    found = one.post("/api/v1/sql-query", json={"sql": "SELECT id FROM table_name"}).json()
    (link,) = found["presigned_urls"]
    elsewhere = link.replace(several.servers[0].url, several.servers[1].url)
    assert httpx2.get(elsewhere).text == httpx2.get(link).text != ""
    # Nothing stays on a machine.
    assert [path for path in several.directory.rglob("results/*") if path.is_file()] == []


def test_dashboards_from_either(several: Several) -> None:
    """Made on one, drawn by both, and each reader sees the rows of their own rules."""
    one, other = several.clients
    query = several.query(one, BY_REGION)
    path = f"/api/queries/{query['id']}/results"
    chart = {"query_id": query["id"], "type": "CHART", "name": "Chart", "options": CHART}
    shown = done(other.post("/api/visualizations", json=chart))["id"]
    board = done(one.post("/api/dashboards", json={"name": "Regions"}))["id"]
    for visualization in (shown, query["visualizations"][0]["id"]):
        widget = {"dashboard_id": board, "visualization_id": visualization, "text": "", "options": POSITION}
        done(other.post("/api/widgets", json=widget))
    done(one.post(f"/api/dashboards/{board}", json={"is_draft": False}))
    both = [{"region": name, "n": PER_REGION} for name in REGIONS]
    assert rows(one, other, path) == rows(other, one, path) == both
    pictures = [client.get(f"/api/visualizations/{shown}.svg").content for client in (one, other)]
    assert pictures[0] == pictures[1] and b"<svg" in pictures[0]
    for region, (asks, reads) in zip(REGIONS, ((0, 1), (1, 0)), strict=True):
        with (
            several.client(asks, several.keys[region]) as first,
            several.client(reads, several.keys[region]) as second,
        ):
            assert rows(first, second, path) == [{"region": region, "n": PER_REGION}]
            page = second.get("/dashboards/regions", headers={"Accept": "text/html"}).text
            # The other one's rows are in no picture and no table.
            assert f"<td>{region}" in page and f"<td>{REGIONS[asks == 0]}" not in page
            assert second.get(f"/api/visualizations/{shown}.svg").content not in pictures
    assert all(rows(client, client, path) == both for client in (one, other))
    _public(several, board, path, both)


def _public(several: Several, board: int, path: str, both: list[dict[str, Any]]) -> None:
    """A token given by one shows what it should on the other, until that one takes it, at once for both."""
    one, other = several.clients
    token = done(one.post(f"/api/dashboards/{board}/share"))["api_key"]
    with several.client(0) as here, several.client(1) as there:
        for client in (here, there):
            assert len(done(client.get(f"/api/dashboards/public/{token}"))["widgets"]) == 2
            assert client.get(f"/public/dashboards/{token}").status_code == 200
            found = done(client.post(path, params={"api_key": token}, json={}))
            assert found["query_result"]["data"]["rows"] == both
        done(other.delete(f"/api/dashboards/{board}/share"))
        _gone(
            lambda: [client.get(f"/api/dashboards/public/{token}").status_code for client in (here, there)],
            404,
        )


def _gone(statuses: Callable[[], list[int]], status: int) -> None:
    """A second is what it may take until everybody knows."""
    deadline = time.monotonic() + 1
    while set(found := statuses()) != {status}:
        assert time.monotonic() < deadline, found


def test_keys_of_queries(several: Several) -> None:
    """Made on one and known to both; when another takes its place, the old one is none within a second."""
    one, other = several.clients
    query = several.query(one, "SELECT count(*) AS n FROM items")
    path = f"/api/queries/{query['id']}"
    rows(one, other, f"{path}/results")
    for revokes, key in ((other, query["api_key"]), (one, None)):
        old = key or done(other.get(path))["api_key"]
        with several.client(0, old) as here, several.client(1, old) as there:
            for client in (here, there):
                assert done(client.get(f"{path}/results"))["query_result"]["data"]["rows"] == [{"n": 40}]
            assert done(revokes.post(f"{path}/regenerate_api_key"))["api_key"] != old
            _gone(lambda: [client.get(f"{path}/results").status_code for client in (here, there)], 401)


def test_parameters_and_dropdowns(several: Several) -> None:
    one, other = several.clients
    names = several.query(one, "SELECT DISTINCT region AS name, region AS value FROM items ORDER BY 1")
    rows(one, other, f"/api/queries/{names['id']}/results")
    definitions = [
        {"name": "region", "type": "query", "queryId": names["id"], "value": "north"},
        {"name": "least", "type": "number", "value": 0},
    ]
    sql = "SELECT count(*) AS n FROM items WHERE region = {{ region }} AND price >= {{ least }}"
    query = several.query(other, sql, options={"parameters": definitions})
    path = f"/api/queries/{query['id']}"
    offered = [{"name": name, "value": name} for name in REGIONS]
    for client in (one, other):
        assert done(client.get(f"{path}/dropdowns/{names['id']}")) == offered
    values = {"region": "south", "least": 5}
    wanted = [{"n": len([n for n in range(40) if n % 2 and n / 4 >= 5])}]
    assert rows(one, other, f"{path}/results", parameters=values) == wanted
    assert rows(other, one, f"{path}/results", parameters=values) == wanted
    given = {"p_region": "south", "p_least": "5"}
    assert other.get(f"{path}/results.csv", params=given).text == f"n\r\n{wanted[0]['n']}\r\n"
    refused = other.post(f"{path}/results", json={"parameters": {**values, "region": "west"}})
    assert refused.status_code == 400


def test_other_systems(several: Several) -> None:
    """A table, a file in a directory that all share, and one in a bucket, joined by whichever worker comes first."""
    one, other = several.clients
    with (several.directory / "files" / "visits.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("item", "minutes"), *((n, n * 10) for n in range(40))])
    put(several.emulator, "lake")
    put(several.emulator, "lake/names.csv", b"region,title\nnorth,Northern\nsouth,Southern\n")
    reach = {"endpoint": several.emulator, "access_key_id": "test", "secret_access_key": "test"}
    for client, name, options in (
        (one, "Visits", {"path": "visits.csv"}),
        (other, "Lake", {"path": "s3://lake/names.csv", **reach}),
    ):
        done(client.post("/api/data_sources", json={"name": name, "type": "csv", "options": options}))
    sql = """SELECT l.title, sum(v.minutes) AS minutes FROM items i JOIN visits.visits v ON v.item = i.id
        JOIN lake.names l ON l.region = i.region GROUP BY l.title ORDER BY l.title"""
    sums = [sum(n * 10 for n in range(start, 40, 2)) for start in (0, 1)]
    wanted = [{"title": "Northern", "minutes": sums[0]}, {"title": "Southern", "minutes": sums[1]}]
    asked = {"query": sql, "data_source_id": several.source, "max_age": 0}
    with ThreadPoolExecutor(4) as threads:
        runs = [threads.submit(rows, one, other, "/api/query_results", **asked) for _ in range(4)]
        assert all(run.result() == wanted for run in runs)


def test_scheduled_queries(several: Several) -> None:
    """Each turn is one run, though two workers wait for it."""
    schedule = {"interval": 3600, "time": None, "day_of_week": None, "until": None}
    sources = [
        several.query(client, f"SELECT {n} AS n, count(*) AS items FROM items", schedule=schedule)["id"]
        for n, client in enumerate(several.clients * 4)
    ]
    listed = ", ".join(map(str, sources))
    results = f"SELECT count(*) FROM penstock.query_results WHERE query_id IN ({listed})"
    runs = f"SELECT count(*) FROM penstock.query_runs WHERE query_id IN ({listed})"
    eventually(lambda: several.ask(results) == len(sources))
    for number, query in enumerate(sources):
        for client in several.clients:
            text = client.get(f"/api/queries/{query}/results.csv").text
            assert text == f"n,items\r\n{number},40\r\n"
    # The next turn comes for all of them at one moment.
    several.ask(
        f"""WITH due AS (UPDATE penstock.query_schedules SET next_at = now() WHERE query_id IN ({listed})),
        called AS (UPDATE penstock.job_runs SET due_at = now() WHERE job = 'queries.scheduled' AND state = 'todo')
        SELECT pg_notify('penstock_jobs', '')"""
    )
    eventually(lambda: several.ask(results) == 2 * len(sources))
    eventually(
        lambda: (
            several.ask(
                f"SELECT count(*) FROM penstock.query_schedules WHERE query_id IN ({listed}) AND next_at > now()"
            )
            == len(sources)
        )
    )
    assert (several.ask(results), several.ask(runs)) == (2 * len(sources),) * 2
    for query in sources:
        done(several.clients[0].post(f"/api/queries/{query}", json={"schedule": None}))


@contextmanager
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address, and what is sent to it."""
    got: list[dict[str, Any]] = []

    class Handle(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handle) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", got
        server.shutdown()
        thread.join()


def test_alerts_are_told_once(several: Several) -> None:
    one, other = several.clients
    query = several.query(one, "SELECT count(*) AS n FROM items")["id"]
    with receiver() as (url, got):
        body = {"name": "Hook", "type": "webhook", "options": {"url": url}}
        destination = done(other.post("/api/destinations", json=body))["id"]
        alerts: list[int] = []
        for number, client in enumerate((one, other)):
            options = {"column": "n", "op": ">", "value": 39}
            body = {"name": f"Alert {number}", "query_id": query, "options": options}
            alerts.append(done(client.post("/api/alerts", json=body))["id"])
            subscribed = {"destination_id": destination}
            done(client.post(f"/api/alerts/{alerts[-1]}/subscriptions", json=subscribed))
        # Both look at every one of these results.
        for asks, waits in ((one, other), (other, one), (one, one)):
            rows(asks, waits, f"/api/queries/{query}/results", max_age=0)
        eventually(
            lambda: [done(other.get(f"/api/alerts/{n}"))["state"] for n in alerts] == ["triggered"] * 2
        )
        eventually(lambda: len(got) == 2)
        waiting = """SELECT count(*) FROM penstock.job_runs
            WHERE state IN ('todo', 'doing') AND (job LIKE 'alerts%' OR job LIKE 'notifications%')
            AND due_at < now() + interval '1 minute' AND NOT job LIKE '%forget%'"""
        eventually(lambda: several.ask(waiting) == 0)
        assert sorted(one["alert"]["name"] for one in got) == ["Alert 0", "Alert 1"]


def test_cancelled_by_the_other(several: Several) -> None:
    one, other = several.clients
    body = {"query": SLOW, "data_source_id": several.source, "max_age": 0}
    job = done(one.post("/api/query_results", json=body))["job"]
    eventually(lambda: several.ask(RUNNING) == 1)
    assert other.delete(f"/api/jobs/{job['id']}").status_code == 200
    found = ended(one, job)
    assert (found["status"], found["error"]) == (5, "Query cancelled by user.")
    eventually(lambda: several.ask(RUNNING) == 0)


def test_many_jobs_of_many_clients(several: Several) -> None:
    """None is lost, none is done twice, and both workers do some."""
    states: Counter[int] = Counter()
    results = "SELECT count(*) FROM penstock.query_results"
    before = several.ask(results)

    def work(number: int) -> None:
        with several.client(number % 2) as client:
            client.headers.update(several.clients[0].headers)
            left: set[str] = set()
            for place in range(EACH):
                body = {
                    "query": f"SELECT {number} AS client, {place} AS place, count(*) AS n FROM table_name",
                    "data_source_id": several.source,
                    "max_age": 0,
                }
                left.add(done(client.post("/api/query_results", json=body))["job"]["id"])
            deadline = time.monotonic() + 90
            while left and time.monotonic() < deadline:
                for job in sorted(left):
                    status = client.get(f"/api/jobs/{job}").json()["job"]["status"]
                    if status >= 3:
                        states[status] += 1
                        left.remove(job)
                time.sleep(0.05)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == {3: CLIENTS * EACH}
    assert several.ask(results) - before == CLIENTS * EACH
    tried_again = "SELECT count(*) FROM penstock.job_runs WHERE job = 'queries.run' AND attempts > 1"
    assert several.ask(tried_again) == 0


def test_a_killed_worker(several: Several) -> None:
    """The last here, since runs are tried again: the other does all that it was at, and no half of a result is left."""
    one, other = several.clients
    sql = "SELECT {n} AS of, g AS n, md5(g::text) AS t FROM generate_series(1, 400000) AS g"
    jobs = [
        done(
            client.post(
                "/api/query_results",
                json={"query": sql.format(n=n), "data_source_id": several.source, "max_age": 0},
            )
        )["job"]
        for n, client in enumerate((one, other) * 3)
    ]
    # One that is at several of them, which are not all done by the time it is killed.
    busy = """SELECT split_part(known.name, ':', -1)::int FROM penstock.job_workers AS known
        JOIN penstock.job_runs AS run ON run.worker = known.id AND run.job = 'queries.run' AND run.state = 'doing'
        GROUP BY known.name HAVING count(*) > 1 LIMIT 1"""
    pids = {one.process.pid: one for one in several.workers}
    deadline = time.monotonic() + 30
    while (pid := several.ask(busy)) is None:
        assert time.monotonic() < deadline
    pids[pid].kill()
    for number, job in enumerate(jobs):
        found = ended((other, one)[number % 2], job)
        assert found["status"] == 3, found
        page = done(
            one.get(f"/api/query_results/{found['query_result_id']}", params={"page": 4000, "page_size": 100})
        )
        assert page["query_result"]["count"] == 400_000
        assert page["query_result"]["data"]["rows"][-1]["n"] == 400_000
    assert (
        several.ask("SELECT count(*) FROM penstock.job_runs WHERE job = 'queries.run' AND attempts > 1") > 0
    )
    stored = "SELECT count(DISTINCT file) = count(*) FROM penstock.query_results"
    assert several.ask(stored) is True
