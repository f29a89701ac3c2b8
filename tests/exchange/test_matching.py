"""Who a row is about: external id first; an address only where one person alone has it and no name conflicts."""

from typing import Any

from registry.contacts.identifiers import Kind, normalise
from registry.exchange.matching import Directory, Known
from registry.exchange.rows import Row


def make(email: str = "home@x.test", external: str | None = None, name: str = "") -> Row:
    first, _, last = name.partition(" ")
    fields = {key: text for key, text in (("first_name", first), ("last_name", last)) if text}
    given = normalise(Kind.EXTERNAL, external) if external else None
    return Row("f.csv", 2, "subscribed", normalise(Kind.EMAIL, email), external=given, fields=fields)


def place(directory: Directory[int], row: Row, number: int) -> int:
    known = directory.match(row) or Known(number)
    directory.add(known, row)
    return known.person


def placed(*rows: Row) -> list[int]:
    directory: Directory[int] = Directory()
    return [place(directory, row, number) for number, row in enumerate(rows)]


def test_the_external_id_decides_whatever_the_address_and_the_name() -> None:
    assert placed(make(external="C1", name="Anna Nowak"), make("b@x.test", "C1", "Ewa Mazur")) == [0, 0]


def test_an_address_that_one_person_has_decides_unless_the_name_conflicts() -> None:
    assert placed(make(name="Anna Nowak"), make(name="ANNA  nowak")) == [0, 0]
    assert placed(make(name="Anna Nowak"), make()) == [0, 0]
    assert placed(make(name="Anna Nowak"), make(name="Jan Nowak")) == [0, 1]


def test_two_external_ids_are_two_persons_also_of_one_name() -> None:
    assert placed(make(external="C1", name="Jan Nowak"), make(external="C2", name="Jan Nowak")) == [0, 1]


def test_a_person_without_external_id_is_given_the_first_one() -> None:
    assert placed(make(name="Anna Nowak"), make(external="C1"), make(external="C2")) == [0, 0, 2]


def test_an_address_that_two_share_decides_nothing() -> None:
    household = (make(external="C1", name="Anna Nowak"), make(external="C2", name="Jan Nowak"))
    assert placed(*household, make(name="Anna Nowak")) == [0, 1, 2]


def test_the_same_rows_again_are_the_same_persons() -> None:
    rows: tuple[Any, ...] = (
        make(external="C1", name="Anna Nowak"),
        make(name="Jan Nowak"),
        make(),
        make(name="Piotr Nowak"),
    )
    first, again = placed(*rows), placed(*rows, *rows)
    assert again == first * 2
