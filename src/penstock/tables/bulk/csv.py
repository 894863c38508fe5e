"""CSV (RFC 4180) piece by piece: the first line names the fields, empty values are null."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from penstock.kit import errors
from penstock.tables.bulk.cells import column_of
from penstock.tables.bulk.rows import MAX_ROW, Block, documents_of, encode
from penstock.tables.models import TableSchema

# The module's own limit is 128 KiB a cell, for the whole process.
csv.field_size_limit(MAX_ROW)
_UNFINISHED = "unexpected end of data"


class CsvReader:
    """Reads rows whose fields the first line names."""

    def __init__(self, schema: TableSchema, delimiter: str, nulls: frozenset[str]) -> None:
        self._schema = schema
        self._delimiter = delimiter
        self._nulls = nulls
        self._rest = b""  # a line that is not whole
        self._open = ""  # whole lines of a row that is not
        self._header: list[str] = []
        self._count = 0

    def feed(self, data: bytes, *, last: bool) -> Block:
        """Raises `BadRequest` for a body that is no CSV, or names fields the table has not."""
        first = not self._header
        self._rest += data
        cut = len(self._rest) if last else self._rest.rfind(b"\n") + 1
        whole, self._rest = self._rest[:cut], self._rest[cut:]
        if len(self._rest) + len(self._open) > MAX_ROW:
            raise errors.BadRequest(
                f"Row {self._count + 1} is longer than {MAX_ROW:,} bytes; is a quotation mark never closed?"
            )
        if first:
            whole = whole.removeprefix(b"\xef\xbb\xbf")
        text = self._open + whole.decode("utf-8", "surrogateescape")
        self._open = ""
        block = Block()
        if text:
            self._read(text, block, last=last)
        if last and not self._header:
            raise errors.BadRequest("The body is empty; the first line of CSV names the fields.")
        return block

    def _read(self, text: str, block: Block, *, last: bool) -> None:
        if self._header and (columns := self._plain(text)) is not None:
            first = self._count + 1
            self._count += len(columns[0])
            self._convert(columns, range(first, self._count + 1), block)
            return
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter, strict=True))
        except csv.Error:
            rows = list(self._one_by_one(text, last=last))
        found: list[Sequence[str]] = []
        numbers: list[int] = []
        for cells in rows:
            if not self._header:
                if cells:
                    self._begin(cells)
                continue
            if not cells:
                continue  # a blank line
            self._count += 1
            if isinstance(cells, _Unreadable):
                block.refuse(self._count, cells.reason, cells.text)
            elif len(cells) != len(self._header):
                reason = f"The row has {len(cells)} values where the first line names {len(self._header)}."
                block.refuse(self._count, reason, cells)
            else:
                found.append(cells)
                numbers.append(self._count)
        if found:
            self._convert(list(zip(*found, strict=True)), numbers, block)

    def _plain(self, text: str) -> Sequence[Sequence[str]] | None:
        """The columns of rows without quotation marks; None when there are any, or a row has too few or many cells."""
        text = text.replace("\r\n", "\n")
        if '"' in text or "\r" in text:
            return None
        lines = text.removesuffix("\n").split("\n")
        mark, width = self._delimiter, len(self._header)
        if width == 1 or {line.count(mark) for line in lines} != {width - 1}:
            return None
        cells = mark.join(lines).split(mark)
        return [cells[place::width] for place in range(width)]

    def _begin(self, cells: Sequence[str]) -> None:
        if isinstance(cells, _Unreadable):
            raise errors.BadRequest(f"The first line is not valid CSV: {cells.reason}")
        names = [name.strip() for name in cells]
        for name in names:
            if name not in self._schema.by_name:
                shown = name[:80].encode("utf-8", "replace").decode()
                hint = errors.nearest(shown, self._schema.names)
                raise errors.Invalid(
                    {"header": [f"The first line names '{shown}', which is no field of the table."]},
                    hint=hint,
                )
            if names.count(name) > 1:
                raise errors.Invalid({"header": [f"The first line names '{name}' twice."]})
        self._header = names
        self._columns = [column_of(self._schema.by_name[name]) for name in names]

    def _one_by_one(self, text: str, *, last: bool) -> Iterator[Sequence[str]]:
        """The rows when one is faulty, or the last is not whole and so waits for more."""
        lines = list(io.StringIO(text, newline=""))
        source = iter(lines)
        begun = done = 0  # lines before this reader, and before the row it reads
        while done < len(lines):
            reader = csv.reader(source, delimiter=self._delimiter, strict=True)
            try:
                for cells in reader:
                    done = begun + reader.line_num
                    yield cells
            except csv.Error as error:
                if _UNFINISHED in str(error) and not last:
                    self._open = "".join(lines[done:])
                    return
                begun = begun + reader.line_num
                yield _Unreadable(f"The row is not valid CSV: {error}.", "".join(lines[done:begun]))
                done = begun

    def _convert(self, columns: Sequence[Sequence[str]], numbers: Sequence[int], block: Block) -> None:
        cells = columns
        if self._nulls:
            cells = [["" if cell in self._nulls else cell for cell in column] for column in columns]
        values = [convert(column) for convert, column in zip(self._columns, cells, strict=True)]
        header = self._header
        try:
            block.documents = documents_of(header, values)
            block.numbers = numbers
            return
        except UnicodeEncodeError:
            pass
        kept: list[int] = []
        for place, (number, row) in enumerate(zip(numbers, zip(*values, strict=True), strict=True)):
            try:
                block.documents.append(encode(dict(zip(header, row, strict=True))))
                kept.append(number)
            except UnicodeEncodeError:
                shown = {name: _replaced(column[place]) for name, column in zip(header, columns, strict=True)}
                block.refuse(number, "The row is not UTF-8 text.", shown)
        block.numbers = kept


class _Unreadable(list[str]):
    """Stands in the place of a row that is not CSV."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__([_replaced(text)])
        self.reason = reason

    @property
    def text(self) -> str:
        return self[0]


def _replaced(text: str) -> str:
    """Text with what was not UTF-8 shown as such."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
