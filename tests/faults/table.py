"""The table of docs/RELIABILITY.md: a row for each fault, as the run had it."""

from pathlib import Path

from tests.faults.counting import Account

_BEGIN, _END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
_HEADER = (
    *("fault", "broker", "went in", "archived", "declared dropped", "lost", "archived twice"),
    *("commands", "answered", "expired", "acted twice", "drained in"),
)


class Table:
    """The rows, in the order in which the tests ran."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, ...]] = []

    def add(self, fault: str, broker: str, told: Account, seconds: float) -> None:
        """Add a row."""
        numbers = (told.went_in, told.archived, told.declared, told.lost, told.twice)
        orders = (told.commands, told.answered, told.expired, told.acted_twice)
        row = (fault, broker, *(f"{number:,}" for number in (*numbers, *orders)), f"{seconds:.1f} s")
        self._rows.append(row)
        print(*(f"{name} {value};" for name, value in zip(_HEADER, row, strict=True)))

    def write(self, document: Path) -> None:
        """Write the rows where the document has its table."""
        lines = [_line(_HEADER), _line(["---"] * 2 + ["--:"] * (len(_HEADER) - 2)), *map(_line, self._rows)]
        before, _, rest = document.read_text("utf-8").partition(_BEGIN)
        _, _, after = rest.partition(_END)
        document.write_text(f"{before}{_BEGIN}{''.join(lines)}{_END}{after}", "utf-8")


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
