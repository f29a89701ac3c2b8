"""The mapping file: unknown keys are refused with the nearest name, and evidence needs all four who vouch."""

from pathlib import Path

import pytest

from registry.exchange import mapping, terms
from registry.kit.errors import Misuse
from registry.policy import loader
from tests.exchange.files import ATTESTED, mailchimp, plain, told


def refusal(**changes: object) -> Misuse:
    with pytest.raises(Misuse) as caught:
        mapping.parse(told(**changes), "mailchimp")
    return caught.value


def test_names_mailchimps_own_columns_where_the_mapping_names_none() -> None:
    columns = mailchimp().columns
    assert (columns.email, columns.opt_in_time, columns.withdrawn_time) == (
        "Email Address",
        "OPTIN_TIME",
        "UNSUB_TIME",
    )


@pytest.mark.parametrize(
    ("changes", "key", "near"),
    [
        ({"purpos": "x"}, "purpos", "purpose"),
        ({"columns": {"optin_time": "T"}}, "columns.optin_time", "opt_in_time"),
        ({"attested": {**ATTESTED, "timezone": "UTC"}}, "attested.timezone", "time_zone"),
    ],
)
def test_refuses_an_unknown_key_and_names_the_nearest(
    changes: dict[str, object], key: str, near: str
) -> None:
    refused = refusal(**changes)
    assert refused.code == "mapping.invalid"
    assert refused.field == key
    assert near in (refused.mend or "")


@pytest.mark.law("LP-48")
def test_refuses_a_mapping_without_source() -> None:
    without = told()
    del without["source"]
    with pytest.raises(Misuse) as caught:
        mapping.parse(without, "csv")
    assert caught.value.field == "source"


@pytest.mark.parametrize("key", sorted(ATTESTED))
def test_evidence_is_attested_only_with_all_four(key: str) -> None:
    lacking = mailchimp(attested={name: value for name, value in ATTESTED.items() if name != key})
    assert lacking.attestation is None
    assert lacking.missing_attestation == (key,)
    assert mailchimp().attestation is not None


def test_refuses_a_time_zone_and_an_encoding_that_do_not_exist() -> None:
    assert refusal(attested={**ATTESTED, "time_zone": "Riga"}).field == "attested.time_zone"
    assert refusal(file={"encoding": "utf-9"}).field == "file.encoding"
    assert refusal(file={"encoding": "base64"}).field == "file.encoding"


def test_says_in_one_line_why_a_file_is_no_mapping(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    for text in (b"purpose = ", b"\xff\xfe", b"[columns\n"):
        path.write_bytes(text)
        with pytest.raises(Misuse) as caught:
            mapping.load(path, "csv")
        assert caught.value.code == "mapping.unreadable"
        assert "\n" not in caught.value.line()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "newsleter"}, "purpose.unknown"),
        ({"channel": "emial"}, "channel.unknown"),
        ({"channel": "call"}, "channel.undeclared"),
        ({"fields": {"shoe_size": "Shoe"}}, "field.undeclared"),
        ({"attested": {**ATTESTED, "notice": 99}}, "notice.unknown"),
        ({"attested": {**ATTESTED, "locale": "xx"}}, "notice.unknown"),
        ({"columns": {"email": None}}, "mapping.invalid"),
    ],
)
def test_holds_a_mapping_against_the_policies(changes: dict[str, object], code: str) -> None:
    with pytest.raises(Misuse) as caught:
        terms.agree(mailchimp(**changes), loader.load(None))
    assert caught.value.code == code


def test_equal_meaning_has_an_equal_digest_and_another_has_not() -> None:
    assert mailchimp().digest("mailchimp") == mailchimp().digest("mailchimp")
    assert mailchimp().digest("mailchimp") != mailchimp(source="another").digest("mailchimp")
    assert plain().digest("csv") != plain().digest("mailchimp")
