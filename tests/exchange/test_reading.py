"""What an export comes in: encodings, delimiters, hostile zips, missing columns; one clear line for each."""

import codecs
import struct
import zipfile
from pathlib import Path

import pytest

from registry.exchange import archives
from registry.exchange.mapping import Format
from registry.exchange.reading import Export, open_export
from registry.kit.errors import Refused
from tests.exchange.files import HEADER, PLAIN, archive, mailchimp, plain, row, sheet

POLISH = "Małgorzata Wiśniewska z Łodzi pojechała w góry, żeby odpocząć; źródło było ciche i świeże"
LATVIAN = "Jānis Bērziņš no Rīgas aizbrauca uz jūru, kur viņš lasīja grāmatu par ķiršiem un žagariem"
RUSSIAN = "Екатерина Иванова из Риги поехала к морю и читала книгу о северных городах и людях"


def csv_file(path: Path, text: str, encoding: str = "utf-8") -> Export:
    path.write_bytes(text.encode(encoding))
    return open_export(path, plain(), "csv")


def cells(export: Export) -> list[list[str]]:
    return [record.cells for _, _, record in export.records()]


def refused(path: Path, form: Format = "mailchimp") -> Refused:
    with pytest.raises(Refused) as caught:
        open_export(path, mailchimp() if form == "mailchimp" else plain(), form)
    assert "\n" not in caught.value.line()
    return caught.value


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", POLISH),
        ("utf-8-sig", LATVIAN),
        ("utf-16", RUSSIAN),
        ("utf-16-le", POLISH),
        ("cp1250", POLISH),
        ("cp1257", LATVIAN),
        ("cp1251", RUSSIAN),
    ],
)
def test_tells_the_encoding(tmp_path: Path, encoding: str, name: str) -> None:
    rows = [f'{n}@x.test;{n};"{name}";;;;' for n in range(20)]
    export = csv_file(tmp_path / "f.csv", ";".join(PLAIN) + "\n" + "\n".join(rows), encoding)
    assert [row[2] for row in cells(export)] == [name] * 20


def test_takes_the_encoding_and_delimiter_that_the_mapping_names(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes("email|first\nx@x.test|Łódź\n".encode("cp852"))
    told = plain(
        columns={"email": "email"},
        fields={"first_name": "first"},
        file={"encoding": "cp852", "delimiter": "|"},
    )
    assert cells(open_export(path, told, "csv")) == [["x@x.test", "Łódź"]]


def test_a_wrong_byte_costs_its_row_and_not_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    text = ",".join(PLAIN).encode() + f"\na@x.test,1,{POLISH.replace(',', '')},,,,\n".encode()
    path.write_bytes(text + b"b@x.test,2,\xb3\xf1,,,,\n")
    export = open_export(path, plain(), "csv")
    assert [record.problem for _, _, record in export.records()] == [None, "row.encoding_broken"]
    assert export.sheets[0].encoding == "utf-8"


def test_resumes_at_any_row(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "f.zip", subscribed=[row("a@x.test"), row("b@x.test")], cleaned=[row("c@x.test")]
    )
    export = open_export(path, mailchimp(), "mailchimp")
    everything = [(ordinal, record.cells[0]) for ordinal, _, record in export.records()]
    assert everything == [(0, "c@x.test"), (1, "a@x.test"), (2, "b@x.test")]
    for start in range(4):
        assert [(o, r.cells[0]) for o, _, r in export.records(start)] == everything[start:]


def test_reads_those_with_a_no_before_those_with_a_yes(tmp_path: Path) -> None:
    path = archive(tmp_path / "f.zip", subscribed=[row()], unsubscribed=[row()], cleaned=[row()])
    sheets = open_export(path, mailchimp(), "mailchimp").sheets
    assert [sheet.standing for sheet in sheets] == ["cleaned", "unsubscribed", "subscribed"]


def zipped(path: Path, *names: str) -> Path:
    """A zip of members with these names, each with one person."""
    with zipfile.ZipFile(path, "w") as made:
        for number, name in enumerate(names):
            made.writestr(name, sheet([row(f"{number}@x.test")]))
    return path


def test_tells_the_standing_by_the_first_word_of_a_members_name(tmp_path: Path) -> None:
    names = {
        "subscribed_members_export_0bad5e.csv": "subscribed",
        "Nonsubscribed (3).CSV": "nonsubscribed",
        "audiences/unsubscribed_email_audience_export_9.csv": "unsubscribed",
        "complained.csv": "complained",
        "cleaned-not-spam.csv": "cleaned",
    }
    path = zipped(
        tmp_path / "f.zip", *names, "__MACOSX/._complaints.csv", "audiences/read.me", "tags/list.csv"
    )
    parts = archives.parts_of(path, "mailchimp")
    assert {part.member: part.standing for part in parts} == names
    assert [part.standing for part in parts] == list(archives.STANDINGS)


@pytest.mark.parametrize(
    "name",
    [
        "complaints.csv",
        "suppressed_members_export_1.csv",
        "opted_out.csv",
        "members.csv",
        "non-subscribed.csv",
        "subscribedlist.csv",
        "subscribed_pending_1.csv",
        "subscribed-but-complained.csv",
        "subscribed_opt_out.csv",
        "subscribed unconfirmed.csv",
        "unsubscribed_members_export_1.xlsx",
        "1.csv",
        "óptout.csv",
    ],
)
def test_a_list_that_its_name_does_not_tell_is_no_list_of_subscribers(tmp_path: Path, name: str) -> None:
    told = refused(zipped(tmp_path / "f.zip", "subscribed_members_export_1.csv", name))
    assert told.code == "archive.unknown_member"
    assert "complained" in (told.mend or "")
    assert refused(zipped(tmp_path / "alone.zip", name)).code.startswith("archive.")


def _without(column: str, instead: str | None = None) -> list[str]:
    """The header of a file of subscribers without a column, or with another in its place."""
    return [given for name in HEADER if (given := instead if name == column else name) is not None]


def test_names_a_missing_column_that_the_mapping_names_and_what_may_be_meant(tmp_path: Path) -> None:
    named = mailchimp(columns={"opt_in_address": "OPTIN_IP"})
    path = archive(tmp_path / "f.zip", subscribed=sheet([], _without("OPTIN_IP", "OPTIN_IPS")))
    with pytest.raises(Refused) as caught:
        open_export(path, named, "mailchimp")
    told = caught.value
    assert (told.code, told.field) == ("column.missing", "columns.opt_in_address")
    assert "OPTIN_IP" in told.line()
    assert 'did you mean "OPTIN_IPS"' in (told.mend or "")


@pytest.mark.parametrize(
    ("columns", "lacking"),
    [
        ({"confirm_time": "CONFIRM_TIME"}, "CONFIRM_TIME"),
        ({"opt_in_time": "OPTIN_TIME"}, "OPTIN_TIME"),
        ({"external_id": "CUSTOMER_IT"}, "CUSTOMER_ID"),
    ],
)
def test_a_column_of_another_meaning_is_not_what_may_be_meant(
    tmp_path: Path, columns: dict[str, str], lacking: str
) -> None:
    path = archive(tmp_path / "f.zip", subscribed=sheet([], _without(lacking)))
    with pytest.raises(Refused) as caught:
        open_export(path, mailchimp(columns=columns), "mailchimp")
    assert caught.value.code == "column.missing"
    assert "did you mean" not in (caught.value.mend or "")


def test_the_address_may_not_be_missing_whoever_names_its_column(tmp_path: Path) -> None:
    path = archive(tmp_path / "f.zip", subscribed=sheet([], _without("Email Address", "E-Mail Address")))
    told = refused(path)
    assert (told.code, told.field) == ("column.missing", "columns.email")
    assert "the mapping names none" in told.detail
    assert 'did you mean "E-Mail Address"' in (told.mend or "")


def test_refuses_what_is_no_export(tmp_path: Path) -> None:
    path = tmp_path / "f.zip"
    path.write_bytes(b"")
    assert refused(path).code == "file.empty"
    path.write_text("email\nx@x.test\n")
    assert refused(path).code == "file.not_zip"
    archive(path, notes="nothing")
    assert refused(path).code == "archive.no_members"
    assert refused(path, "csv").code == "file.not_csv"
    archive(path, subscribed="")
    assert refused(path).code == "file.empty"


@pytest.mark.parametrize(
    "name", ["../subscribed_1.csv", "/etc/subscribed.csv", "..\\subscribed.csv", "C:/subscribed.csv"]
)
def test_refuses_names_that_lead_out_of_the_zip(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as made:
        made.writestr(name, sheet([row()]))
    assert refused(tmp_path / "f.zip").code == "archive.unsafe_name"


def test_refuses_a_bomb_without_unpacking_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f.zip"
    archive(path, subscribed=b"0" * (16 << 20))
    assert path.stat().st_size < 1 << 20
    assert refused(path).code == "archive.too_large"
    archive(path, subscribed=[row(f"{n}@x.test") for n in range(200)])
    monkeypatch.setattr(archives, "TOTAL_LIMIT", 1000)
    assert refused(path).code == "archive.too_large"


def test_a_bomb_that_lies_about_its_size_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "f.zip"
    archive(path, subscribed=sheet([row(f"{n}@x.test") for n in range(500)]))
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, central + 24, 300)
    path.write_bytes(data)
    assert refused(path).code == "archive.damaged"


def test_refuses_an_encrypted_and_a_damaged_zip(tmp_path: Path) -> None:
    path = archive(tmp_path / "f.zip", subscribed=[row(f"{n}@x.test") for n in range(50)])
    whole = path.read_bytes()
    encrypted = bytearray(whole)
    struct.pack_into("<H", encrypted, encrypted.rindex(b"PK\x01\x02") + 8, 1)
    path.write_bytes(encrypted)
    assert refused(path).code == "archive.encrypted"
    damaged = bytearray(whole)
    damaged[100:140] = bytes(40)
    path.write_bytes(damaged)
    assert refused(path).code == "archive.damaged"
    path.write_bytes(whole[: len(whole) // 2])
    assert refused(path).code == "file.not_zip"


def test_byte_order_marks_belong_to_no_column(tmp_path: Path) -> None:
    path = tmp_path / "f.zip"
    archive(path, subscribed=codecs.BOM_UTF8 + sheet([row("a@x.test")]).encode())
    assert cells(open_export(path, mailchimp(), "mailchimp"))[0][0] == "a@x.test"
