"""A workbook with the sheet `result`, written as a stream: the rows go into the archive as they are read.

Numbers that a spreadsheet would round, and text, are text; a cell takes 32,767 characters, and what is longer is cut.
"""

from __future__ import annotations

import re
import zipfile
from typing import Any, Final
from xml.sax.saxutils import escape

from penstock.kit.streaming import Growing
from penstock.queries.exports.base import Options
from penstock.queries.results.columns import Column, Kind
from penstock.queries.results.texts import plain_texts

_LONGEST: Final = 32_767
_EXACT: Final = 10**15
# What XML 1.0 cannot have at all.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KINDS: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SHEET: Final = "xl/worksheets/sheet1.xml"
_PARTS: Final = {
    "[Content_Types].xml": (
        f'{_XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KINDS}.sheet.main+xml"/>'
        f'<Override PartName="/{_SHEET}" ContentType="{_KINDS}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'{_XML}<Relationships xmlns="{_LINKS}"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="result" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{_XML}<Relationships xmlns="{_LINKS}"><Relationship Id="rId1" Type="{_OFFICE}/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}


class XlsxWriter:
    """An archive that is never read back, so that it can be sent while it is written."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._sink = Growing()
        # The archive only writes to it, which its type does not say.
        sink: Any = self._sink
        self._archive = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        self._sheet: Any = None

    def begin(self) -> bytes:
        for name, content in _PARTS.items():
            self._archive.writestr(name, content)
        self._sheet = self._archive.open(_SHEET, "w", force_zip64=True)
        names = "".join(_text(column.name) for column in self._options.columns)
        self._sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData><row>{names}</row>'.encode())
        return self._sink.take()

    def write(self, batch: Any) -> bytes:
        columns = [
            self._cells(batch.column(number), column) for number, column in enumerate(self._options.columns)
        ]
        rows = "".join(f"<row>{''.join(cells)}</row>" for cells in zip(*columns, strict=True))
        self._sheet.write(rows.encode())
        return self._sink.take()

    def end(self) -> bytes:
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()
        self._archive.close()
        return self._sink.take()

    def _cells(self, array: Any, column: Column) -> list[str]:
        match column.kind:
            case Kind.INTEGER:
                return [_integer(value) for value in array.to_pylist()]
            case Kind.FLOAT:
                return [
                    _number(text) for text in plain_texts(array, column, self._options.instants).to_pylist()
                ]
            case Kind.BOOLEAN:
                return [
                    "<c/>" if one is None else f'<c t="b"><v>{int(one)}</v></c>' for one in array.to_pylist()
                ]
            case _:
                return [
                    _text(text) for text in plain_texts(array, column, self._options.instants).to_pylist()
                ]


def _integer(value: int | None) -> str:
    if value is None or abs(value) < _EXACT:
        return _number(None if value is None else str(value))
    return _text(str(value))


def _number(text: str | None) -> str:
    return "<c/>" if text is None else f"<c><v>{text}</v></c>"


def _text(text: str | None) -> str:
    if text is None:
        return "<c/>"
    shown = escape(_FORBIDDEN.sub("\ufffd", text[:_LONGEST]))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'
