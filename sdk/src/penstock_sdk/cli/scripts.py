"""The scripts of the dashboard dialect, as commands of `penstock` and under their own names.

They work on any server that speaks the dialect; what they find is on stdout, and what they say about it on stderr.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from penstock_sdk._dialect import clone, files, importing, tables
from penstock_sdk._dialect.scrub import Hit, Scrub
from penstock_sdk._dialect.server import Dialect, Object, reason
from penstock_sdk._errors import PenstockError
from penstock_sdk._files import writing
from penstock_sdk._version import __version__
from penstock_sdk.cli import run
from penstock_sdk.cli._arguments import repeated
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._output import emit, say
from penstock_sdk.cli._progress import advancing
from penstock_sdk.cli._scripts import SCRIPT_DEFAULTS, Host, ScriptOptions

_COUNT = "number of queries"
Directory = Annotated[
    Path, Parameter(name="--dir", help="Directory of the files; it is made when it is missing.")
]
DryRun = Annotated[bool, Parameter(negative=(), help="Only say what would be done.")]


def gdpr_scrub(host: Host, *terms: str, options: ScriptOptions = SCRIPT_DEFAULTS) -> int:
    """Search terms in queries, their newest results, dashboards, alerts and snippets; print the addresses of those.

    Where in each of them a term is, and what could not be read, is said on stderr. Case does not matter. Ends with 1
    when something could not be read.

    Parameters
    ----------
    terms
        What to search; whatever has one of them is found.
    """
    if not any(term.strip() for term in terms):
        raise CommandError("Say what to search: a name, an address, a number.")
    found: list[Hit] = []
    with options.server(host) as server, advancing() as advance:
        search = Scrub(server, [term for term in terms if term.strip()], advance)
        for hit in search.hits():
            found.append(hit)
            if not options.json:
                print(hit.url, flush=True)
    if options.json:
        emit({"found": [_hit(one) for one in found], "unread": search.faults})
    else:
        for hit in found:
            say(f"{hit.url}: {', '.join(hit.where)}")
        for fault in search.faults:
            say(f"Not read: {fault}")
    return 1 if search.faults else 0


def _hit(hit: Hit) -> dict[str, Any]:
    return {"kind": hit.kind, "id": hit.id, "url": hit.url, "where": list(hit.where)}


def find_tables(
    url: Host,
    *key_and_source: str,
    detail: Annotated[bool, Parameter(negative=())] = False,
    options: ScriptOptions = SCRIPT_DEFAULTS,
) -> None:
    """Count in how many queries of a data source each table is named.

    Names that the source's schema does not have are left out, when it has one. Queries that cannot be read, and those
    that take the name of a table from a parameter, are said on stderr.

    Parameters
    ----------
    key_and_source
        Number of the data source. An API key may stand before it, where other programs of the machine see it.
    detail
        Print the pairs of query and table instead.
    """
    if len(key_and_source) not in (1, 2) or not key_and_source[-1].isdigit():
        raise CommandError("Give the address of the server and the number of a data source.")
    with options.server(url, key_and_source[0] if len(key_and_source) == 2 else None) as server:
        source = int(key_and_source[-1])
        schema = _schema(server, source)
        grammar = tables.grammar_of(str(server.source(source).get("type") or ""))
        found = {
            one["id"]: _named(one, grammar) for one in server.queries() if one.get("data_source_id") == source
        }
    named = {
        number: _known(one.tables, schema) for number, one in found.items() if isinstance(one, tables.Named)
    }
    if options.json:
        emit(_tables_as_json(named, found))
        return
    for number, one in found.items():
        if isinstance(one, str):
            say(f"Query {number} cannot be read: {one}")
        elif one.parameters:
            say(f"Query {number} takes the name of a table from a parameter: {', '.join(one.parameters)}")
    if detail:
        lines = csv.writer(sys.stdout, lineterminator="\n")
        lines.writerows((number, name) for number, names in named.items() for name in names)
    else:
        print(_summary(_counts(named)))


def _schema(server: Dialect, source: int) -> list[str]:
    try:
        answer = server.get(f"data_sources/{source}/schema")
    except PenstockError as error:
        say(f"The schema of data source {source} cannot be read ({reason(error)}): all names are counted.")
        return []
    if "schema" not in answer:
        say(f"The schema of data source {source} is not there yet: all names are counted.")
    return [str(one["name"]) for one in answer.get("schema") or ()]


def _named(query: Object, grammar: str | None) -> tables.Named | str:
    try:
        return tables.tables_in(query.get("query") or "", grammar)
    except tables.UnreadableError as error:
        return str(error)


def _known(names: Sequence[str], schema: Sequence[str]) -> list[str]:
    if not schema:
        return list(names)
    return list(
        dict.fromkeys(known for name in names if (known := tables.known_as(name, schema)) is not None)
    )


def _counts(named: dict[int, list[str]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for names in named.values():
        for name in dict.fromkeys(names):
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _summary(counts: dict[str, int]) -> str:
    """In the form of the published script, which programs may read."""
    width = max(map(len, ("table", *counts)))
    lines = [f"{'table':>{width}} | {_COUNT}", f"{'-' * width} | {'-' * len(_COUNT)}"]
    lines += [f"{name:>{width}} | {number:>{len(_COUNT)}}" for name, number in counts.items()]
    return "\n" + "\n".join(lines) + "\n"


def _tables_as_json(named: dict[int, list[str]], found: dict[int, tables.Named | str]) -> Object:
    return {
        "tables": [
            {"table": name, "queries": [number for number, names in named.items() if name in names]}
            for name in _counts(named)
        ],
        "parameters": [
            {"query": number, "parameters": list(one.parameters)}
            for number, one in found.items()
            if isinstance(one, tables.Named) and one.parameters
        ],
        "unread": [{"query": number, "reason": one} for number, one in found.items() if isinstance(one, str)],
    }


def clone_dashboard_and_queries(
    host: Host, slug: str, prefix: str, *, dry_run: DryRun = False, options: ScriptOptions = SCRIPT_DEFAULTS
) -> None:
    """Duplicate a dashboard by copying all its queries and visualizations; print which number became which.

    When something fails, what was made is archived again. Schedules and alerts are not copied.

    Parameters
    ----------
    slug
        Slug or number of the dashboard.
    prefix
        What the names of the copied queries begin with.
    """
    with options.server(host) as server:
        copy = clone.planned(server, slug) if dry_run else clone.clone(server, slug, prefix)
    numbers = {
        "dashboard": {copy.dashboard["id"]: copy.made["id"] if copy.made else 0},
        "query": copy.queries,
        "visualization": copy.visualizations,
        "widget": copy.widgets,
    }
    if options.json:
        emit({kind: {str(old): new or None for old, new in pairs.items()} for kind, pairs in numbers.items()})
    else:
        for kind, pairs in numbers.items():
            for old, new in pairs.items():
                print(f"{kind} {old} -> {new or '(new)'}")
    for widget in copy.passed_over:
        say(f"Widget {widget} shows what you may not see; it is left out.")


def export_queries(
    host: Host,
    *,
    directory: Directory = Path(),
    format: Literal["sql", "json"] = "sql",
    include_archived: Annotated[bool, Parameter(negative=())] = False,
    options: ScriptOptions = SCRIPT_DEFAULTS,
) -> None:
    """Write every query to a file of its own, `query_<id>.sql` or `.json`, which `import-queries` reads.

    Parameters
    ----------
    format
        SQL below a comment that says the rest, or JSON.
    include_archived
        Also those that are archived.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    with options.server(host) as server, advancing() as advance:
        sources = {one["id"]: one for one in server.sources()}
        found = server.queries(archived=include_archived)
        for done, listed in enumerate(found, 1):
            query = files.described(server.query(listed["id"]), sources.get(listed.get("data_source_id")))
            path = directory / f"query_{listed['id']}.{format}"
            text = files.as_sql(query) if format == "sql" else files.as_json(query)
            with writing(path) as file:
                file.write(text.encode())
            written.append(str(path))
            advance("Queries", done, len(found))
    if options.json:
        emit(written)
    say(f"{len(written):,} queries written to {directory}.")


def import_queries(
    host: Host,
    *paths: Path,
    data_source: Annotated[
        tuple[str, ...],
        repeated(
            "Data source of the files and the one to use instead, such as `3=7` or `Old=New`; may be repeated."
        ),
    ] = (),
    dry_run: DryRun = False,
    options: ScriptOptions = SCRIPT_DEFAULTS,
) -> None:
    """Make queries of files that `export-queries` wrote; print which number became which.

    Every file becomes a new query, with its parameters, tags, schedule and visualizations. Data sources are found by
    name, or by number where a file has no name.

    Parameters
    ----------
    paths
        Files, or directories of them.
    """
    queries = [_read(path) for path in _files(paths)]
    if not queries:
        raise CommandError("There is no file to import: name .sql or .json files, or a directory of them.")
    with options.server(host) as server:
        sources = importing.targets(server, queries, _pairs(data_source))
        made: list[importing.Imported] = []
        if dry_run:
            made = [importing.Imported(one["name"], one["id"], 0) for one in queries]
            _tell_imported(made, as_json=options.json)
            return
        try:
            importing.make(server, queries, sources, made)
        finally:
            _tell_imported(made, as_json=options.json)


def _tell_imported(made: Sequence[importing.Imported], *, as_json: bool) -> None:
    if as_json:
        emit([{"name": one.name, "old": one.old, "new": one.new or None} for one in made])
        return
    for one in made:
        print(f"query {one.old if one.old is not None else '-'} -> {one.new or '(new)'}")


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            held = (one for one in path.iterdir() if one.suffix in (".sql", ".json") and one.is_file())
            found += sorted(held, key=lambda one: (len(one.name), one.name))
        else:
            found.append(path)
    return found


def _read(path: Path) -> Object:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return files.from_json(text, path.stem) if path.suffix == ".json" else files.from_sql(text, path.stem)
    except (UnicodeDecodeError, files.UnreadableFileError) as error:
        raise CommandError(f"{path}: {error}") from error


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for old, equals, new in pairs:
        if not (old and equals and new):
            raise CommandError(f"'{old}{equals}{new}' is no pair of data sources; write OLD=NEW.")
    return {old: new for old, _, new in pairs}


def _alone(function: Callable[..., Any]) -> Callable[[], None]:
    """A program that is this command and nothing else."""

    def main() -> None:
        name = function.__name__.replace("_", "-")
        command = App(name=name, version=__version__, version_flags=["--version"], help_format="markdown")
        command.default(function)
        raise SystemExit(run(sys.argv[1:], command))

    return main


gdpr_scrub_main = _alone(gdpr_scrub)
find_tables_main = _alone(find_tables)
clone_main = _alone(clone_dashboard_and_queries)
export_main = _alone(export_queries)
import_main = _alone(import_queries)
