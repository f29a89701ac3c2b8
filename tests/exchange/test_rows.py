"""What a row says: evidence needs opt-in time and address, and a "no" is heard however broken its row is."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from registry.contacts.identifiers import Kind
from registry.exchange.mapping import Mapping
from registry.exchange.reading import open_export
from registry.exchange.rows import Reject, Row, RowReader, names_conflict
from tests.exchange.files import ATTESTED, HEADER, OPT_IN, PLAIN, archive, mailchimp, plain, row, sheet

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LENGTHS = {"first_name": 200, "last_name": 200}


def read_zip(tmp_path: Path, told: Mapping | None = None, **members: object) -> list[Row | Reject | None]:
    told = told or mailchimp()
    path = archive(tmp_path / "f.zip", **members)  # type: ignore[arg-type]  # rows or raw text
    reader = RowReader(told, Kind.EMAIL, LENGTHS, NOW)
    return [reader.read(sheet, record) for _, sheet, record in open_export(path, told, "mailchimp").records()]


def one(
    tmp_path: Path, told: Mapping | None = None, standing: str = "subscribed", /, **cells: str
) -> Row | Reject:
    (found,) = read_zip(tmp_path, told, **{standing: [row(**cells)]})
    assert found is not None
    return found


def taken(found: Row | Reject) -> Row:
    assert isinstance(found, Row)
    return found


def reason(found: Row | Reject | None) -> str:
    assert isinstance(found, Reject)
    return found.reason


def test_opt_in_time_and_address_are_evidence_and_less_is_not(tmp_path: Path) -> None:
    full = taken(one(tmp_path))
    assert full.has_evidence
    assert full.opted_in == datetime(2025, 5, 5, 12, tzinfo=UTC)
    for lacking in (
        {"OPTIN_TIME": ""},
        {"OPTIN_IP": ""},
        {"OPTIN_IP": "somewhere"},
        {"OPTIN_TIME": "0000-00-00 00:00:00"},
        {"OPTIN_TIME": "", "OPTIN_IP": "", "CONFIRM_TIME": OPT_IN, "CONFIRM_IP": "192.0.2.1"},
    ):
        assert not taken(one(tmp_path, **lacking)).has_evidence


def test_times_are_of_the_zone_that_the_mapping_attests(tmp_path: Path) -> None:
    riga = mailchimp(attested={**ATTESTED, "time_zone": "Europe/Riga"})
    assert taken(one(tmp_path, riga)).opted_in == datetime(2025, 5, 5, 9, tzinfo=UTC)
    # As clocks go back the hour occurs twice: a yes is taken for the earlier, a "no" for the later.
    assert taken(one(tmp_path, riga, OPTIN_TIME="2025-10-26 03:30:00")).opted_in == datetime(
        2025, 10, 26, 0, 30, tzinfo=UTC
    )
    left = taken(one(tmp_path, riga, "unsubscribed", UNSUB_TIME="2025-10-26 03:30:00")).left
    assert left == datetime(2025, 10, 26, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"email": ""}, "address.missing"),
        ({"email": "anna.at.example"}, "identifier.invalid"),
        ({"OPTIN_TIME": "05/06/2025"}, "time.invalid"),
        ({"OPTIN_TIME": "2099-01-01 00:00:00"}, "time.in_future"),
        ({"OPTIN_TIME": "0001-01-01 00:00:00"}, "time.invalid"),
        ({"CONFIRM_TIME": "soon"}, "time.invalid"),
        ({"name": "x" * 201}, "field.too_long"),
        ({"id": "x" * 201}, "identifier.invalid"),
    ],
)
def test_rejects_by_reason_and_number_and_never_by_value(
    tmp_path: Path, cells: dict[str, str], code: str
) -> None:
    found = one(tmp_path, **cells)
    assert reason(found) == code
    assert isinstance(found, Reject)
    assert found.row == 2
    assert "anna" not in repr(found)


@pytest.mark.parametrize(
    "line",
    [
        "anna@x.test,only,three",
        "anna@x.test," + "," * 60,
        'anna@x.test,"An"na,,' + "," * 26,
        "anna@x.test,An\0na" + "," * 27,
        "anna@x.test,An\x1bna" + "," * 27,
    ],
)
def test_a_no_is_taken_from_a_broken_row_and_a_yes_is_not(tmp_path: Path, line: str) -> None:
    header = sheet([], (*HEADER, "UNSUB_TIME"))
    (no,) = read_zip(tmp_path, unsubscribed=header + line + "\n")
    assert isinstance(no, Row)
    assert (no.standing, no.address.value) == ("unsubscribed", "anna@x.test")
    (yes,) = read_zip(tmp_path, subscribed=header + line + "\n")
    assert reason(yes).startswith("row.")


@pytest.mark.law("LP-22")
@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"name": "x" * 201}, "field.too_long"),
        ({"id": "x" * 201}, "identifier.invalid"),
        ({"UNSUB_TIME": "later"}, "time.invalid"),
        ({"UNSUB_TIME": "2099-01-01 00:00:00"}, "time.in_future"),
    ],
)
def test_what_cannot_be_read_beside_a_no_is_left_out_and_the_no_is_taken(
    tmp_path: Path, cells: dict[str, str], why: str
) -> None:
    found = taken(one(tmp_path, None, "unsubscribed", **cells))
    assert (found.standing, found.dropped) == ("unsubscribed", (why,))
    assert (found.external, found.fields, found.left) == (None, {}, None)


@pytest.mark.law("LP-22")
@pytest.mark.parametrize(
    ("line", "standing"),
    [
        ("anna@x.test,,An\0na,gone,,,", "unsubscribed"),
        ("anna@x.test,,An\0na,here,,,2025-01-01", "unsubscribed"),
        ("anna@x.test,,Anna,gone,,,,,,", "unsubscribed"),
        # A cell too many may have moved another time to where that of the withdrawal stands.
        ("anna@x.test,,Anna,here,,,2025-01-01,", None),
        ("anna@x.test,,An\0na,here,,,", None),
    ],
)
def test_a_no_is_taken_from_a_broken_row_of_a_file_whose_rows_tell_their_standing(
    tmp_path: Path, line: str, standing: str | None
) -> None:
    told = plain(
        status={"column": "last", "subscribed": ["here"], "unsubscribed": ["gone"]},
        fields={"first_name": "first"},
    )
    path = tmp_path / "f.csv"
    path.write_text(sheet([], PLAIN) + line + "\n", encoding="utf-8")
    reader = RowReader(told, Kind.EMAIL, LENGTHS, NOW)
    (found,) = [reader.read(part, record) for _, part, record in open_export(path, told, "csv").records()]
    assert (found.standing if isinstance(found, Row) else None) == standing


def test_a_no_whose_times_cannot_be_read_is_a_no_without_a_time(tmp_path: Path) -> None:
    found = taken(one(tmp_path, None, "unsubscribed", OPTIN_TIME="in spring", UNSUB_TIME="later"))
    assert found.left is None
    assert not found.has_evidence


def test_in_one_csv_a_time_of_withdrawal_or_a_status_tells_who_left(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    told = plain(
        columns={"email": "email", "withdrawn_time": "left"},
        status={"column": "last", "subscribed": ["Active"], "unsubscribed": ["Gone"], "cleaned": ["Bounced"]},
        fields={},
    )
    states = [("active", ""), ("gone", ""), ("bounced", ""), ("active", "2025-01-01"), ("else", "")]
    rows = [{"email": f"{n}@x.test", "last": state, "left": left} for n, (state, left) in enumerate(states)]
    path.write_text(sheet(rows, PLAIN), encoding="utf-8")
    reader = RowReader(told, Kind.EMAIL, {}, NOW)
    found = [reader.read(part, record) for _, part, record in open_export(path, told, "csv").records()]
    standings = [taken(one).standing for one in found[:4] if one]
    assert standings == ["subscribed", "unsubscribed", "cleaned", "unsubscribed"]
    assert reason(found[4]) == "status.unknown"


def test_names_conflict_unless_equal_but_for_writing_or_missing() -> None:
    assert names_conflict(("anna", ""), ("jan", ""))
    assert names_conflict(("anna", "nowak"), ("anna", "kowalska"))
    assert not names_conflict(("anna", ""), ("", "nowak"))
    assert not names_conflict(("", ""), ("anna", "nowak"))


@pytest.mark.parametrize("lacking", ["OPTIN_TIME", "OPTIN_IP", "CONFIRM_TIME"])
def test_a_column_that_the_format_alone_names_may_be_missing_and_what_it_tells_is_unknown(
    tmp_path: Path, lacking: str
) -> None:
    person = {name: value for name, value in row(CONFIRM_TIME=OPT_IN).items() if name != lacking}
    (found,) = read_zip(tmp_path, subscribed=sheet([person], [name for name in HEADER if name != lacking]))
    read = taken(found)  # type: ignore[arg-type]  # the line is not blank
    assert (read.opted_in is None) == (lacking == "OPTIN_TIME")
    assert (read.opted_in_from is None) == (lacking == "OPTIN_IP")
    assert read.has_evidence == (lacking == "CONFIRM_TIME")
