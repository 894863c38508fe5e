"""Documents for git: YAML that is the same for the same content, texts of several lines as blocks."""

# pyright: basic
# PyYAML ships no types.

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from penstock_sdk._files import writing

Document = dict[str, Any]
KINDS = ("queries", "dashboards", "alerts")
_LONGEST = 80


class UnreadableDocumentError(ValueError):
    """A file is no document, or not one of its kind."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Loader(yaml.SafeLoader):
    """Without dates: what looks like one is a text, as in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _text(dumper: Any, text: str) -> Any:
    if re.search("[\x85\u2028\u2029\ufeff]", text):
        # Breaks of lines to YAML, which are kept by their numbers alone.
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
    # A block keeps no blanks before a line break, and no carriage returns.
    block = "\n" in text and not re.search(r"[ \t]\n|[ \t]\Z|\r|\A[ \n]", text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if block else None)


_Dumper.add_representer(str, _text)


def as_text(document: Mapping[str, Any]) -> str:
    return yaml.dump(
        dict(document),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=False,
    )


def from_text(text: str, name: str) -> Document:
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, with fewer types
    except yaml.YAMLError as error:
        raise UnreadableDocumentError(f"{name} is no YAML: {str(error).splitlines()[0]}.") from error
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise UnreadableDocumentError(f"{name} holds no object.")
    return found


def write(directory: Path, documents: Mapping[str, Mapping[str, Document]]) -> list[Path]:
    """Writes a file for each document by kind and key, and removes the files of others; gives those that changed."""
    changed: list[Path] = []
    for kind in KINDS:
        folder = directory / kind
        wanted = {folder / f"{key}.yaml": as_text(one) for key, one in documents.get(kind, {}).items()}
        if wanted:
            folder.mkdir(parents=True, exist_ok=True)
        for path in _present(folder):
            if path not in wanted:
                path.unlink()
                changed.append(path)
        for path, text in wanted.items():
            if not path.exists() or path.read_bytes() != text.encode():
                with writing(path) as file:
                    file.write(text.encode())
                changed.append(path)
    return changed


def read(directory: Path) -> dict[str, dict[str, Document]]:
    """The documents of a directory by kind and key, which is the name of the file."""
    found: dict[str, dict[str, Document]] = {}
    for kind in KINDS:
        found[kind] = {}
        for path in _present(directory / kind):
            if slug_of(path.stem) != path.stem:
                raise UnreadableDocumentError(
                    f"{path}: a name has lower-case letters, digits and hyphens alone."
                )
            try:
                found[kind][path.stem] = from_text(path.read_bytes().decode("utf-8-sig"), str(path))
            except UnicodeDecodeError as error:
                raise UnreadableDocumentError(f"{path} is not UTF-8.") from error
    return found


def _present(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.yaml")) if folder.is_dir() else []


def slug_of(name: str) -> str:
    """A name as the name of a file."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_LONGEST].strip("-") or "unnamed"


def keys_of(objects: Iterable[tuple[int, str, str | None]]) -> dict[int, str]:
    """Keys of objects (number, name, key that it holds): what it holds, else its name, with a number where taken."""
    ordered = sorted(objects)
    found: dict[int, str] = {}
    taken: set[str] = set()
    for number, _, held in ordered:
        if held is not None and held not in taken and slug_of(held) == held:
            found[number] = held
            taken.add(held)
    for number, name, _ in ordered:
        if number in found:
            continue
        slug, position = slug_of(name), 1
        key = slug
        while key in taken:
            position += 1
            key = f"{slug}-{position}"
        found[number] = key
        taken.add(key)
    return found
