"""How rows of documents that a change feed has noted are read after a change of their schema."""

from __future__ import annotations

from collections.abc import Callable, Collection

from penstock.tables.providers.jsonb.layout import DOCUMENT, Layout
from penstock.tables.schema.diff import Followed
from penstock.tables.schema.feeds import Move, Reading


def readings(
    was: Layout,
    now: Layout,
    followed: Followed,
    old_name: Callable[[str], str],
    added: Collection[str],
) -> tuple[list[Reading], list[Reading]]:
    """From now on, and when the change is undone.

    Columns take other names. Members keep their keys, whatever they are called; of those that are gone or have another
    type nothing is shown, and those that became columns are found there.
    """
    names, back = followed.names, followed.back
    lifted = {
        name: old_name(name) for name in now.columns if name not in added and old_name(name) in was.members
    }
    gone = [Move(_path(was, one)) for one, to in names.items() if to is None and one in was.members]
    lifts = [Move(_path(was, since), (name,), was.missing.get(since)) for name, since in lifted.items()]
    lowers = [Move((name,), _path(was, since)) for name, since in lifted.items()]
    retyped = [one for one, since in back.items() if since is None and one not in added]
    lost = [Move(_path(now, one)) for one in retyped if one in now.members]
    lost += [Move(_path(was, lifted[one])) for one in retyped if one in lifted]
    columns = {one: to for one, to in names.items() if one in was.columns}
    own = {one: since for one, since in back.items() if one in now.columns and one not in lifted}
    # A column may have taken the name that another one gets back.
    return [Reading(columns, (*gone, *lifts))], [Reading(moves=(*lowers, *lost)), Reading(own)]


def _path(layout: Layout, name: str) -> tuple[str, ...]:
    return (DOCUMENT, layout.members[name])
