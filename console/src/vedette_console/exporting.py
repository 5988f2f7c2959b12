"""Events as files that other programs read: CSV, JSON lines, Excel. Nothing in them is a formula."""

import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, cast

from vedette_schemas import Alert

if TYPE_CHECKING:
    from vedette_archive import ArchivedObservation, Page
    from xlsxwriter import Workbook


class Format(StrEnum):
    """What can be written."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"


Cell = str | int | None
Row = dict[str, Cell]

OF_ALERTS = tuple(
    "at host severity detector summary done action mode state outcome technique type indicator subject where "
    "list line comment kind excerpt principal spool number uid command_id id".split()
)
OF_OBSERVATIONS = tuple(
    "received_at seen_at host kind title text name address port executable pid sha256 action status reason "
    "uid principal spool number".split()
)

SHEET_ROWS = 1_000_000
"""Rows of a sheet, after which another begins: Excel holds 1,048,576."""

_LONGEST = 32_000  # Excel holds 32,767 characters in a cell
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20|%")
# Where a comma parts decimals, spreadsheets part cells at semicolons, within quotes of ours as well.
_BEHIND_A_SEMICOLON = re.compile(rf';[\s"]*(?=[{re.escape("".join(_FORMULA))}])')
_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def records(page: "Page") -> Iterator[dict[str, object]]:
    """Yield what is found as JSON objects: alerts as they were published, observations with their names."""
    for alert in page.alerts:
        yield cast("dict[str, object]", alert.model_dump(mode="json", exclude_none=True))
    for each in page.observations:
        yield {
            "received_at": each.received_at.isoformat(),
            "host": _host(each),
            **each.stream._asdict(),
            "number": each.number,
            "observation": each.fields(),
        }


def rows(page: "Page") -> Iterator[Row]:
    """Yield what is found as flat rows, with the names above."""
    yield from map(_of_alert, page.alerts)
    yield from map(_of_observation, page.observations)


def write_lines(pages: Iterable["Page"], file: IO[str]) -> None:
    """Write a JSON object a line, in ASCII: nothing in it acts on a terminal."""
    for page in pages:
        file.writelines(json.dumps(record) + "\n" for record in records(page))


def write_csv(pages: Iterable["Page"], columns: tuple[str, ...], file: IO[str]) -> None:
    """Write a table that spreadsheets read as text alone."""
    table = csv.DictWriter(file, columns, lineterminator="\r\n")
    table.writeheader()
    for page in pages:
        table.writerows({name: harmless(row.get(name)) for name in columns} for row in rows(page))


def write_xlsx(pages: Iterable["Page"], columns: tuple[str, ...], file: IO[bytes]) -> None:
    """Write a workbook, row by row, in little memory; raise `OSError` where the disk can't hold it."""
    from xlsxwriter import Workbook  # noqa: PLC0415 (only who exports needs it)
    from xlsxwriter.exceptions import XlsxFileError  # noqa: PLC0415

    # A folder of its own: what was copied does not stay behind, whatever goes wrong.
    with TemporaryDirectory() as folder:
        book = Workbook(file, {"constant_memory": True, "tmpdir": folder})
        try:
            _fill(book, pages, columns)
            book.close()
        except XlsxFileError as error:
            file.truncate(0)  # gives its writer room to end in silence
            why = error.args[0] if error.args else error
            raise OSError(getattr(why, "errno", None), getattr(why, "strerror", None) or str(why)) from None
        finally:
            for sheet in book.worksheets():
                written = cast("IO[str] | None", sheet.row_data_fh)
                if written is not None:  # open still where the workbook was not written to its end
                    with suppress(OSError):
                        written.close()


def _fill(book: "Workbook", pages: Iterable["Page"], columns: tuple[str, ...]) -> None:
    sheet, at = None, SHEET_ROWS
    for row in (row for page in pages for row in rows(page)):
        if sheet is None or at >= SHEET_ROWS:
            sheet, at = book.add_worksheet(), 1
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, columns)
        for column, name in enumerate(columns):
            value = row.get(name)
            if isinstance(value, int):
                sheet.write_number(at, column, value)
            elif value:
                sheet.write_string(at, column, visible(value)[:_LONGEST])
        at += 1
    if sheet is None:
        book.add_worksheet().write_row(0, 0, columns)


def harmless(value: Cell) -> Cell:
    """Return a value that no spreadsheet takes for a formula: what begins like one gets a mark before it."""
    if not isinstance(value, str):
        return value
    text = _BEHIND_A_SEMICOLON.sub(r"\g<0>'", visible(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def visible(text: str) -> str:
    """Return a text as one line without characters that hide others, turn them round or end the text."""
    if text.isprintable():
        return text
    text = " ".join(text.splitlines()).replace("\t", " ")
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _HIDDEN else c for c in text)


def _of_alert(alert: Alert) -> Row:
    found: Row = {}
    for part in (alert.match, alert.origin, alert):
        if part is not None:
            found |= _flat(part.model_dump(mode="json", exclude_none=True))
    if alert.match is not None:
        found["indicator"] = alert.match.value
    return found


def _of_observation(each: "ArchivedObservation") -> Row:
    fields = each.fields()
    process = fields.get("process")
    found = _flat(fields) | (_flat(cast("dict[str, object]", process)) if isinstance(process, dict) else {})
    found["name"] = cast("Cell", fields.get("host"))
    found |= {"received_at": each.received_at.isoformat(), "host": _host(each), "number": each.number}
    return found | {"kind": each.stream.kind, "principal": each.stream.principal, "spool": each.stream.spool}


def _flat(fields: Mapping[str, object]) -> Row:
    return {name: value for name, value in fields.items() if isinstance(value, str | int)}


def _host(each: "ArchivedObservation") -> str:
    return each.stream.principal.rpartition("@")[2]
