"""`python -m bench [--rows N] [--only list,insert] [--quick]`: runs the contests, prints what they found."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from pathlib import Path

from bench import bulk, data, files, footprint, graph, jobs, machine, postgrest, queries, races, tools
from bench.options import CONTESTS, Options, options
from bench.report import Report
from bench.stage import Stage, open_stage

_RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> int:
    chosen = _arguments()
    try:
        found = tools.find()
        facts = {
            **machine.describe(),
            "PostgreSQL": tools.version(found.pgbench),
            "PostgREST": tools.version(found.postgrest),
            "load": f"{'wrk' if found.wrk else 'built-in client'} here, {chosen.clients} connections",
            "table": f"{chosen.rows:,} rows",
            "other work on the machine before": f"load average {machine.load():.1f}",
        }
        report = Report(facts)
        with open_stage(found, data.Volume(chosen.rows), chosen.clients) as stage:
            asyncio.run(_run(stage, chosen, report))
    except tools.BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(report.markdown())
    if chosen.is_full:
        _RESULTS.write_text(report.markdown())
    return 1 if report.missed else 0


async def _run(stage: Stage, chosen: Options, report: Report) -> None:
    _tell(f"Loading {chosen.rows:,} rows")
    data.create_table(stage.url, stage.key)
    password = secrets.token_hex(16)
    await _prepare(stage, password)
    if "files" in chosen.only:
        # Before the contests that add rows.
        _tell("Measuring: files")
        report.add(*await files.race(stage, chosen))
    contests = {"list": races.race_lists, "insert": races.race_inserts, "bulk": bulk.race}
    if set(chosen.only) & set(contests):
        with postgrest.serve(stage, password) as rival:
            for name, contest in contests.items():
                if name in chosen.only:
                    _tell(f"Measuring: {name}")
                    await _settle(stage)
                    report.add(*await contest(stage, rival, chosen))
    for name, measure in (("start", footprint.measure_start), ("memory", footprint.measure_memory)):
        if name in chosen.only:
            _tell(f"Measuring: {name}")
            report.add(*measure(stage, chosen))
    for name, last in (("graph", graph.race), ("query", queries.race), ("jobs", jobs.race)):
        if name in chosen.only:
            _tell(f"Measuring: {name}")
            await _settle(stage)
            report.add(*await last(stage, chosen))


async def _prepare(stage: Stage, password: str) -> None:
    connection = await stage.connect()
    try:
        row = await connection.fetchrow(
            "SELECT quote_ident(physical_schema) AS schema, physical_name AS name, "
            "format('%I.%I', physical_schema, physical_name) AS place "
            "FROM penstock.data_tables WHERE name = $1",
            data.TABLE,
        )
        stage.schema, stage.physical, stage.place = row["schema"], row["name"], row["place"]
        await data.fill(connection, stage.place, stage.volume)
        await postgrest.create_roles(connection, stage, password)
    finally:
        await connection.close()
    await _settle(stage)


async def _settle(stage: Stage) -> None:
    """Nothing is left to clean up or to write when the clock starts."""
    connection = await stage.connect()
    await connection.execute(f"VACUUM ANALYZE {stage.place}")
    await connection.execute("CHECKPOINT")
    await connection.close()


def _arguments() -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure Penstock against its budget."
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table (default 1,000,000)")
    parser.add_argument("--only", default=",".join(CONTESTS), help=f"contests to run: {','.join(CONTESTS)}")
    parser.add_argument("--clients", type=int, default=12, help="connections (default 12)")
    parser.add_argument("--quick", action="store_true", help="short rounds; the results are not kept")
    given = parser.parse_args()
    only = tuple(name for name in CONTESTS if name in given.only.split(","))
    if not only or set(given.only.split(",")) - set(CONTESTS):
        parser.error(f"--only takes some of: {', '.join(CONTESTS)}")
    return options(given.rows, only, given.clients, is_quick=given.quick)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
