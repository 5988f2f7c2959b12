"""A compiled list answers as the same rows in memory do, and is refused where it is not as it was written."""

import io
import os
import random
import struct
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
import xxhash
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vedette_indicators import COLUMNS, BadLine, IndicatorTable, IndicatorType, ListProblem, Match, read_list
from vedette_indicators.compiled import FIXED, FORMAT, MOST_ALIKE, CompiledError, CompiledList
from vedette_indicators.compiling import compile_list
from vedette_indicators.keys import keys
from vedette_indicators.quick_rows import QuickRows

from tests.indicators.cases import TODAY, ask, read_cases
from tests.indicators.test_canonical import FAMILIAR
from tests.indicators.test_table import HOSTILE

HEADER = ",".join(COLUMNS)
CASES = read_cases(Path(__file__).with_name("cases.csv"))


def written(*lines: str, seed: int | None = None) -> bytes:
    file = io.BytesIO()
    compile_list("\n".join((HEADER, *lines)).encode(errors="replace"), file, name="mine.csv", seed=seed)
    return file.getvalue()


def opened(folder: Path, data: bytes) -> CompiledList:
    path = folder / "mine.compiled"
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return CompiledList(path)


def quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def both(folder: Path, *lines: str) -> tuple[IndicatorTable, IndicatorTable]:
    rows, bad = read_list("\n".join((HEADER, *lines)), name="mine.csv")
    compiled = opened(folder, written(*lines))
    assert (len(compiled), compiled.bad) == (len(rows), bad)
    return IndicatorTable(rows), IndicatorTable((), [compiled])


def test_every_case_is_answered_as_from_memory(tmp_path: Path) -> None:
    lines = [f"{case.type},{quoted(case.value)},,,,,,{case.id}" for case in CASES if "\n" not in case.value]
    in_memory, compiled = both(tmp_path, *lines)
    for case in CASES:
        assert ask(compiled, case) == ask(in_memory, case), case.id


def answers(table: IndicatorTable, text: str) -> list[list[Match]]:
    return [
        table.clipboard(text, on=TODAY),
        table.url(text, on=TODAY),
        table.process(text, "windows", text, on=TODAY),
        table.process(text, "linux", text, on=TODAY),
        table.connection(text, on=TODAY),
    ]


ROW = st.one_of(
    *(
        st.tuples(
            st.just(kind), FAMILIAR[kind] | HOSTILE, st.sampled_from(["", "allow", "terminate", "block"])
        )
        for kind in IndicatorType
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, max_size=12), st.sampled_from(["", "2027-01-01", "2020-01-01"]))
def test_any_list_is_read_as_read_list_reads_it(
    tmp_path: Path, rows: list[tuple[str, str, str]], expires: str
) -> None:
    lines = [f"{kind},{quoted(value)},{action},,{expires},,,x" for kind, value, action in rows]
    lines = [line for line in lines if not set(line) & set("\r\n") and line.isprintable()]
    in_memory, compiled = both(tmp_path, *lines)
    for _, value, _ in rows:
        assert answers(compiled, value) == answers(in_memory, value)


RESTS = (
    "",
    ",,",
    ",high",
    ",high,2027-01-01",
    ",,,,,",
    ",high,2027-01-01,me,T1204,a comment",
    ",high,31.12.2027,,,,",
)


@given(ROW, st.sampled_from(RESTS))
def test_what_is_read_quickly_is_read_as_slowly(row: tuple[str, str, str], rest: str) -> None:
    kind, value, action = row
    line = f"{kind},{value},{action}{rest}"
    quick = QuickRows().read(line.encode(errors="replace"))
    if quick is not None:
        (slow,), _ = read_list(f"{HEADER}\n{line}", name="mine.csv")
        key, _, said = quick
        assert (key.decode(), said.allows) == (keys(slow)[0], slow.action == "allow")
        assert said.blocks == (slow.action == "block")
        assert said.expires.decode() == (slow.expires.isoformat() if slow.expires else "")


@pytest.mark.parametrize(
    "line",
    [
        "host,lure.test,,,,,,",
        "host,a-b.c_d.lure.test,alert,low,,feed,T1204,a comment with ünusual letters",
        "url,https://lure.test/a/b.php?c=d,alert,low,2027-12-31,feed,,",
        "url,198.51.100.7/x,,,,,,",
        "ip,198.51.100.7,block,,,,,",
        "ip:port,198.51.100.7:65535,,,,,,",
        f"hash,{'ab' * 32},terminate,,,,,",
        "phrase,free loot box,,,,,,",
    ],
)
def test_ordinary_rows_are_read_quickly(line: str) -> None:
    assert QuickRows().read(line.encode()) is not None


def test_repeats_and_bad_lines_are_told_as_by_read_list(tmp_path: Path) -> None:
    lines = [
        "host,lure.test,,,,,,",
        "host,LURE.test.,block,,,,,",
        "host,lure.test,allow,,,,,",
        "host,lure.test,,,2030-01-01,,,",
        "host,lure.test,,,2030-01-01,,,again",
        "program,Game,,,,,,",
        "program,game,,,,,,",
        "program,game,,,,,,again",
        "# a comment",
        "nonsense",
        "host,com,,,,,,",
        "",
    ]
    in_memory, compiled = both(tmp_path, *lines)
    assert compiled.program("GAME", "windows", on=TODAY) == in_memory.program("GAME", "windows", on=TODAY)
    assert len(compiled) == 5


def test_a_second_process_reads_the_half_of_it_and_nothing_is_otherwise() -> None:
    lines = [f"host,h{n % 700}.test,,,,,,{n}" if n % 7 else f"nonsense {n}" for n in range(5_000)]
    lines += [f"phrase,loot box {n},,,,,," for n in range(50)] + ["cidr,10.0.0.0/8,,,,,,"]
    data = "\n".join((HEADER, *lines)).encode()
    alone, helped = io.BytesIO(), io.BytesIO()
    compile_list(data, alone, name="mine.csv", seed=7)
    compile_list(data, helped, name="mine.csv", seed=7, helped=True)
    found: list[tuple[CompiledList, IndicatorTable]] = []
    for file in (alone, helped):
        with tempfile.TemporaryDirectory() as folder:
            compiled = opened(Path(folder), file.getvalue())
            found.append((compiled, IndicatorTable((), [compiled])))
    (one, first), (two, second) = found
    assert (len(one), one.bad, one.types, one.widths) == (len(two), two.bad, two.types, two.widths)
    for text in ("h1.test", "h699.test", "see h4.test: loot box 7", "10.1.2.3"):
        assert answers(first, text) == answers(second, text)


def test_many_rows_under_one_key_take_no_longer_than_there_are_rows(tmp_path: Path) -> None:
    lines = [
        f"host,lure.test,,,{2100 + n // 300:04}-{n // 25 % 12 + 1:02}-{n % 25 + 1:02},,,"
        for n in range(3_000)
    ]
    in_memory, compiled = both(tmp_path, *lines)
    assert len(compiled.host("lure.test", on=TODAY)) == len(in_memory.host("lure.test", on=TODAY)) == 3_000


def test_of_more_rows_under_one_key_the_rest_is_left_out_and_told(tmp_path: Path) -> None:
    days = (date(2100, 1, 1) + timedelta(days=number) for number in range(MOST_ALIKE + 2))
    compiled = opened(tmp_path, written(*(f"host,lure.test,,,{day},,," for day in days)))
    assert len(compiled) == MOST_ALIKE
    assert [bad.line for bad in compiled.bad] == [MOST_ALIKE + 2, MOST_ALIKE + 3]
    assert "about the same" in compiled.bad[0].reason
    assert len(IndicatorTable((), [compiled]).host("lure.test", on=TODAY)) == MOST_ALIKE


@pytest.mark.parametrize("length", [0, 400, 600, 990])
def test_a_row_says_its_line_wherever_it_stands(length: int, tmp_path: Path) -> None:
    rows = [f"host,h{number}.test,,,,,,{'x' * (length + number % 7)}" for number in range(200)]
    lines = [line for number, row in enumerate(rows) for line in ([row, "# it"] if number % 5 else [row, ""])]
    in_memory, compiled = both(tmp_path, *lines)
    for number in range(200):
        asked = f"h{number}.test"
        assert compiled.host(asked, on=TODAY) == in_memory.host(asked, on=TODAY) != []


def test_the_text_of_a_compiled_list_is_the_list(tmp_path: Path) -> None:
    compiled = opened(tmp_path, written("host,lure.test,,,,,,", seed=7))
    assert bytes(compiled.text) == f"{HEADER}\nhost,lure.test,,,,,,".encode()


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_marks_line_ends_and_a_row_at_the_end(tmp_path: Path, end: str) -> None:
    file = io.BytesIO()
    text = end.join((f"\ufeff{HEADER}", "", "host,lure.test,,,,,,", "ip,198.51.100.7,,,,,,"))
    compile_list(text.encode(), file, name="mine.csv")
    table = IndicatorTable((), [opened(tmp_path, file.getvalue())])
    (match,) = table.connection("198.51.100.7", on=TODAY)
    assert (match.indicator.list, match.indicator.line) == ("mine.csv", 4)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# it\n", "host,lure.test\n", "type;value\n", f"{HEADER},more\n"]
)
def test_a_list_without_its_header_is_refused(text: str) -> None:
    file = io.BytesIO()
    with pytest.raises(ListProblem, match=r"^mine\.csv"):
        compile_list(text.encode(), file, name="mine.csv")
    assert file.getvalue() == b""


def test_a_list_that_lost_over_half_is_refused() -> None:
    with pytest.raises(ListProblem, match="1 usable rows where there were 3"):
        compile_list(f"{HEADER}\nhost,a.test,,,,,,".encode(), io.BytesIO(), name="mine.csv", previous=3)


def test_rows_in_memory_and_of_several_compiled_lists_serve_together(tmp_path: Path) -> None:
    rows, _ = read_list(f"{HEADER}\nhost,lure.test,,,,,,own", name="own.csv")
    lists: list[CompiledList] = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        lists.append(opened(tmp_path / name, written(f"host,lure.test,,,,,,{name}", "url,lure.test/a,,,,,,")))
    table = IndicatorTable(rows, lists)
    found = table.url("http://lure.test/a", on=TODAY)
    assert sorted(match.indicator.comment for match in found) == ["", "one", "own", "two"]
    assert len(table) == 5


def test_a_file_that_is_no_compiled_list_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"Vedette", HEADER.encode(), b"\0" * 4096):
        with pytest.raises(CompiledError, match="not a compiled list"):
            opened(tmp_path, data)


GOOD = written("host,lure.test,,,,,,", "url,http://lure.test/a,,,,,,", "phrase,loot box,,,,,,", seed=7)


def test_another_version_is_refused_by_its_number(tmp_path: Path) -> None:
    data = bytearray(GOOD)
    struct.pack_into("<I", data, 16, 99)
    with pytest.raises(CompiledError, match=r"another version \(99"):
        opened(tmp_path, bytes(data))


@pytest.mark.parametrize("length", [0, 10, FIXED.size, FIXED.size + 1, len(GOOD) - 1, len(GOOD) + 1])
def test_a_file_cut_short_or_grown_is_refused(tmp_path: Path, length: int) -> None:
    with pytest.raises(CompiledError):
        opened(tmp_path, (GOOD + b"\n")[:length])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_one_wrong_byte_is_noticed(tmp_path: Path, at: int, change: int) -> None:
    data = bytearray(GOOD)
    data[at] ^= change
    with pytest.raises(CompiledError):
        opened(tmp_path, bytes(data))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.integers(1, 64))
def test_a_table_forged_with_its_checksum_makes_up_no_row(
    tmp_path: Path, chance: random.Random, changes: int
) -> None:
    data = bytearray(GOOD)
    start = FIXED.size + struct.unpack_from("<I", data, 20)[0]
    for _ in range(changes):
        data[chance.randrange(start, len(data))] = chance.choice((0, 1, 255, chance.randrange(256)))
    data[32:48] = xxhash.xxh3_128(bytes(data[FIXED.size :])).digest()
    table = IndicatorTable((), [opened(tmp_path, bytes(data))])
    text = bytes(data[start:]).decode("utf-8", "replace")
    for match in (
        *table.clipboard("http://lure.test/a loot box", on=TODAY),
        *table.url("http://shop.test", on=TODAY),
    ):
        assert match.indicator.written in text


@pytest.mark.parametrize(
    "facts",
    [
        b"{}",
        b"[]",
        b"\xff",
        b'{"name":"x","seed":0,"entries":0,"pieces":1,"slots":4294967296,"filter":8,"types":[],"widths":[],"bad":[]}',
        b'{"name":"x","seed":0,"entries":0,"pieces":4294967295,"slots":2,"filter":8,"types":[],"widths":[],"bad":[]}',
        b'{"name":"x","seed":0,"entries":0,"pieces":1,"slots":2,"filter":9,"types":[],"widths":[],"bad":[]}',
        b'{"name":"x","seed":0,"entries":0,"pieces":1,"slots":2,"filter":8,"types":[],"widths":[[4,999]],"bad":[]}',
    ],
)
def test_facts_that_can_not_be_are_refused(tmp_path: Path, facts: bytes) -> None:
    facts += b" " * (-(len(facts) + FIXED.size) % 8)
    body = facts + bytes(1024)
    fixed = FIXED.pack(GOOD[:16], FORMAT, len(facts), FIXED.size + len(body), xxhash.xxh3_128(body).digest())
    with pytest.raises(CompiledError):
        opened(tmp_path, fixed + body)


def test_another_process_compiles_and_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    target = tmp_path / "it.compiled"
    words = [sys.executable, "-m", "vedette_indicators.compiling", "mine.csv", str(target), "0"]
    done = subprocess.run(
        words, input=f"{HEADER}\nhost,lure.test,,,,,,\nrubbish\n".encode(), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    compiled = CompiledList(target)
    assert (len(compiled), compiled.name) == (1, "mine.csv")
    assert compiled.bad == (BadLine(3, "1 columns where 3 to 8 are expected: 'rubbish'"),)
    done = subprocess.run(words, input=b"<html>", capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.decode().startswith("line 1: the first row has to be type,value")
    assert done.stderr.count(b"\n") == 1


def test_several_processes_share_one_file(tmp_path: Path) -> None:
    path = tmp_path / "it.compiled"
    path.write_bytes(GOOD)
    program = (
        "import sys, datetime; from pathlib import Path; from vedette_indicators import IndicatorTable;"
        "from vedette_indicators.compiled import CompiledList;"
        "table = IndicatorTable((), [CompiledList(Path(sys.argv[1]))]);"
        "print(table.url('http://lure.test/a', on=datetime.date(2026, 1, 15))[0].indicator.line)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, env=os.environ)
        for _ in range(2)
    ]
    assert [each.communicate()[0].strip() for each in running] == [b"3", b"3"]
