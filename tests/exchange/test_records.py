"""Broken CSV: a row costs itself, is named by its number, and takes no neighbour with it."""

import csv
import io
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from registry.exchange.records import Record, records, sniff

LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
CELL = st.text(LETTERS | st.sampled_from('",;\n\r\t'), max_size=12)


def read(text: str, delimiter: str = ",") -> list[Record]:
    return list(records(io.StringIO(text, newline=""), delimiter))


@given(st.lists(st.lists(CELL, min_size=2, max_size=5), min_size=1, max_size=6), st.sampled_from(",;\t"))
def test_reads_back_whatever_the_csv_writer_writes(rows: list[list[str]], delimiter: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    found = read(text.getvalue(), delimiter)
    assert [record.cells for record in found] == rows
    assert [record.number for record in found] == list(range(1, len(rows) + 1))
    assert all(record.problem is None for record in found)


def test_a_row_with_broken_quotes_costs_only_itself() -> None:
    found = read('a,b\n1,"x" y,\n2,z\n')
    assert [(r.number, r.problem) for r in found] == [(1, None), (2, "row.quotes_broken"), (3, None)]
    assert found[2].cells == ["2", "z"]


def test_a_quote_that_never_closes_costs_only_its_line() -> None:
    found = read('a,b\n1,"x\n' + "2,z\n" * 5000)
    assert found[1].problem == "row.quotes_broken"
    assert len(found) == 5002
    assert all(record.problem is None for record in found[2:])


def test_a_quote_that_closes_at_the_next_quoted_cell_costs_only_its_line() -> None:
    found = read('a,b\n1,"x\n2,"y"\n3,"z"\n')
    assert [(r.cells, r.problem) for r in found[2:]] == [(["2", "y"], None), (["3", "z"], None)]
    assert found[1].problem == "row.quotes_broken"


def test_a_field_of_a_million_characters_is_refused_by_number() -> None:
    found = read("a,b\n1," + "x" * 10**6 + "\n2,z\n")
    assert [(r.number, r.problem) for r in found] == [(1, None), (2, "row.too_long"), (3, None)]


def test_a_field_of_a_million_characters_in_many_lines_is_one_refused_row() -> None:
    found = read('a,b\n1,"' + ("x" * 79 + "\n") * 12_500 + '"\n2,z\n')
    assert [(r.number, r.problem) for r in found] == [(1, None), (2, "field.too_long"), (3, None)]


def test_a_line_without_end_takes_no_memory() -> None:
    class Endless(io.TextIOBase):
        left = 400

        def readline(self, limit: int = -1) -> str:  # type: ignore[override]  # as much as the reader asks for
            self.left -= 1
            return "x" * limit if self.left > 0 else ""

    tracemalloc.start()
    try:
        assert [r.problem for r in records(Endless(), ",")] == ["row.too_long"]  # type: ignore[arg-type]  # reads alike
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_control_characters_and_wrong_bytes_are_told_apart() -> None:
    found = read("a,b\n1,x\0y\n2,\udcff\n3,tab\there\n")
    assert [r.problem for r in found] == [None, "row.control_character", "row.encoding_broken", None]


def test_sniffs_the_delimiter_outside_quotes() -> None:
    assert sniff('"a,b,c,d";e;f') == ";"
    assert sniff("a\tb\tc,d") == "\t"
    assert sniff("a") == ","
