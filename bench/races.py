"""Two contests of requests per second: a list of 20 records, and the insert of one."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench import data, load, processor, statements
from bench.data import Wanted
from bench.load import Template, Throughput
from bench.options import Options
from bench.postgrest import Rival
from bench.report import Figures, Verdict
from bench.stage import Stage
from bench.tools import BenchError

_COMPARED = 50
Run = Callable[[float], Throughput]
_BODY = (
    '{"account_id":{account},"status":"{status}","amount":{amount},'
    '"placed_at":"{moment}","note":"Note {number}"}'
)


@dataclass(frozen=True)
class Contestant:
    """How to put load on it, and its process; pgbench is all load and has none."""

    run: Run
    pid: int | None = None


@dataclass(frozen=True)
class Round:
    """What a contestant reached, and the processor time a request took: its own, and PostgreSQL's."""

    load: Throughput
    own: float
    postgres: float


async def race_lists(stage: Stage, rival: Rival, options: Options) -> tuple[Figures, list[Verdict]]:
    """20 records filtered by account and amount, newest first, with the exact total."""
    connection = await stage.connect()
    try:
        lists = await statements.Lists.open(connection)
        for one in data.wanted(stage.volume, _COMPARED):
            mine = _our_list(stage, one)
            found = await statements.run(connection, lists.statement(one))
            _require_equal("list", mine, _their_list(rival, one))
            _require_equal("list by SQL", mine, (_rows(f"[{found['page'] or ''}]"), found["total"]))
        await statements.check_same_text(connection, lists)
        script = lists.script(stage.volume.accounts)
    finally:
        await connection.close()
    query = f"?account_id={{account}}&amount__gte={{amount}}&ordering={statements.ORDERING}"
    ours = Template("GET", f"{stage.path}{query}&page_size={statements.PAGE_SIZE}", _our_headers(stage))
    theirs = Template("GET", rival.path + _their_query("{account}", "{amount}"), _counting(rival))
    rounds = _rounds(
        {
            "Penstock": Contestant(_http(stage, stage.url, ours), stage.pid),
            "PostgREST": Contestant(_http(stage, rival.url, theirs), rival.pid),
            "pgbench, the same SQL": Contestant(_pgbench(stage, rival, script)),
        },
        options,
        stage,
    )
    figures = _figures("List 20 records, filtered and sorted, with key check", rounds, options, stage)
    what = "list 20 records, filtered and sorted, with key check"
    return figures, _verdicts(what, rounds, (3, 5), (0.2, 0.4))


async def race_inserts(stage: Stage, rival: Rival, options: Options) -> tuple[Figures, list[Verdict]]:
    """One random row a request, answered complete with its key."""
    for body in data.orders(stage.volume, 5, seed=1):
        mine = _created(_ask("POST", stage.url + stage.path, _our_headers(stage), body)[1]["data"])
        theirs = _created(_ask("POST", rival.url + rival.path, _returning(rival), body)[1][0])
        _require_equal("insert", mine, theirs)
    ours = Template("POST", stage.path, _our_headers(stage), _BODY)
    theirs_template = Template("POST", rival.path, _returning(rival), _BODY)
    rounds = _rounds(
        {
            "Penstock": Contestant(_http(stage, stage.url, ours), stage.pid),
            "PostgREST": Contestant(_http(stage, rival.url, theirs_template), rival.pid),
            "pgbench, a plain INSERT": Contestant(_pgbench(stage, rival, statements.insert_script(stage))),
        },
        options,
        stage,
    )
    figures = _figures("Insert one record", rounds, options, stage)
    return figures, _verdicts("insert one record", rounds, (2, 4), (0.2, None))


def load_of(stage: Stage, kind: str) -> Run:
    """The server's own load of a contest, without rivals: "list" or "insert"."""
    query = f"?account_id={{account}}&amount__gte={{amount}}&ordering={statements.ORDERING}"
    template = Template("GET", stage.path + query, _our_headers(stage))
    if kind == "insert":
        template = Template("POST", stage.path, _our_headers(stage), _BODY)
    return _http(stage, stage.url, template)


def _rounds(contestants: Mapping[str, Contestant], options: Options, stage: Stage) -> dict[str, list[Round]]:
    """Each in turn, again and again, so that what disturbs the machine disturbs all."""
    for one in contestants.values():
        one.run(options.warm_up)
    found: dict[str, list[Round]] = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name, one in contestants.items():
            found[name].append(_measured(one, options.seconds, stage))
    return found


def _measured(one: Contestant, seconds: float, stage: Stage) -> Round:
    keeper = stage.keeper()
    own, postgres = processor.spent(one.pid), processor.spent(keeper)
    load = one.run(seconds)
    own, postgres = processor.spent(one.pid) - own, processor.spent(keeper) - postgres
    return Round(load, own / load.requests, postgres / load.requests)


def _http(stage: Stage, url: str, template: Template) -> Run:
    def run(seconds: float) -> Throughput:
        return load.over_http(
            url,
            template,
            wrk=stage.tools.wrk,
            clients=stage.clients,
            seconds=seconds,
            accounts=stage.volume.accounts,
        )

    return run


def _pgbench(stage: Stage, rival: Rival, script: str) -> Run:
    def run(seconds: float) -> Throughput:
        return load.pgbench(
            stage.tools.pgbench,
            script,
            rival.pgbench_environment,
            clients=stage.clients,
            seconds=seconds,
            directory=stage.directory,
        )

    return run


def ratio(ours: list[Round], theirs: list[Round]) -> float:
    """The median of the rounds' ratios."""
    return median(mine.load.rate / other.load.rate for mine, other in zip(ours, theirs, strict=True))


def _verdicts(
    what: str,
    rounds: dict[str, list[Round]],
    rest: tuple[float, float | None],
    bench: tuple[float, float | None],
) -> list[Verdict]:
    ours, theirs, limit = rounds.values()
    names = list(rounds)
    return [
        Verdict(what, names[1], ratio(ours, theirs), "×", *rest),
        Verdict(what, names[2], ratio(ours, limit), "×", *bench),
    ]


def _figures(title: str, rounds: dict[str, list[Round]], options: Options, stage: Stage) -> Figures:
    rows: list[list[str]] = []
    for name, found in rounds.items():
        rates = [one.load.rate for one in found]
        slow = [one.load.p99 for one in found if one.load.p99 is not None]
        rows.append(
            [
                name,
                f"{median(rates):,.0f}",
                f"{min(rates):,.0f} to {max(rates):,.0f}",
                f"{median(one.load.p50 for one in found):.2f}",
                f"{median(slow):.2f}" if slow else "",
                f"{median(one.own for one in found) * 1e6:,.0f}" if slow else "",
                f"{median(one.postgres for one in found) * 1e6:,.0f}",
            ]
        )
    notes = (
        f"{stage.clients} connections, {options.rounds} rounds of {options.seconds:g} s each in turn, random "
        "values in every request; medians of the rounds. Answers were compared before. pgbench gives the "
        "mean in place of p50. The last columns are processor time a request, in microseconds: of the "
        "contestant's processes, and of PostgreSQL's."
    )
    heads = ("contestant", "requests/s", "rounds", "p50 ms", "p99 ms", "own µs", "PostgreSQL µs")
    return Figures(title, heads, rows, notes)


def _our_headers(stage: Stage) -> dict[str, str]:
    return {"Authorization": f"Key {stage.key}", "Content-Type": "application/json"}


def _counting(rival: Rival) -> dict[str, str]:
    return {**rival.headers, "Prefer": "count=exact"}


def _returning(rival: Rival) -> dict[str, str]:
    return {**rival.headers, "Content-Type": "application/json", "Prefer": "return=representation"}


def _their_query(account: str, amount: str) -> str:
    order = f"order=placed_at.desc,id.asc&limit={statements.PAGE_SIZE}"
    return f"?account_id=eq.{account}&amount=gte.{amount}&{order}"


def _our_list(stage: Stage, one: Wanted) -> tuple[Any, int]:
    query = f"?account_id={one.account}&amount__gte={one.amount}&ordering={statements.ORDERING}"
    _, answer = _ask("GET", f"{stage.url}{stage.path}{query}", _our_headers(stage))
    return [_normal(row) for row in answer["data"]], answer["total"]


def _their_list(rival: Rival, one: Wanted) -> tuple[Any, int]:
    url = f"{rival.url}{rival.path}{_their_query(str(one.account), one.amount)}"
    headers, answer = _ask("GET", url, _counting(rival))
    return [_normal(row) for row in answer], int(headers["Content-Range"].rpartition("/")[2])


def _rows(text: str) -> list[Any]:
    return [_normal(row) for row in json.loads(text, parse_float=Decimal)]


def _created(row: dict[str, Any]) -> dict[str, Any]:
    """Each insert has a key of its own."""
    return _normal({name: value for name, value in row.items() if name != "id"})


def _normal(row: dict[str, Any]) -> dict[str, Any]:
    """Numbers and instants by value: contestants write them in different ways."""
    return {
        **row,
        "amount": Decimal(str(row["amount"])).normalize(),
        "placed_at": datetime.fromisoformat(row["placed_at"]),
    }


def _ask(method: str, url: str, headers: dict[str, str], body: Any = None) -> tuple[Any, Any]:
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
    try:
        path = f"{target.path}?{target.query}" if target.query else target.path
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise BenchError(f"{method} {url}: {answer.status} {text.decode()[:500]}")
        return answer.headers, json.loads(text, parse_float=Decimal)
    finally:
        connection.close()


def _require_equal(what: str, mine: Any, other: Any) -> None:
    if mine != other:
        raise BenchError(f"The contestants' answers differ ({what}):\n{mine}\n{other}")
