"""`zgoda permit`: issue, redeem, void and list, each with one JSON object or one clear line."""

from pathlib import Path

import pytest

from tests.access.test_commands import EMAIL, GRANT, REF, ann, run

__all__ = ["ann", "run"]


@pytest.fixture
def asked(run, ann, tmp_path: Path):
    """What issues a permit for a message to somebody who gets the newsletter."""
    assert run(*GRANT)[0] == 0
    (tmp_path / "message.eml").write_bytes(b"the message")
    return ("permit", "issue", REF, "newsletter", "email", "--content", str(tmp_path / "message.eml"))


def test_a_permit_is_issued_listed_redeemed_and_void(run, asked):
    code, told = run(*asked)
    assert code == 0
    token, number = told["permit"]["token"], told["permit"]["id"]
    assert [one["id"] for one in run("permit", "list", REF)[1]["permits"]] == [number]
    assert token not in str(run("permit", "list")[1])
    code, done = run("permit", "redeem", token, *asked[-2:])
    assert (code, done["outcome"]) == (0, "permit")
    assert run("permit", "list")[1]["permits"] == []
    assert run("permit", "void", number)[1]["state"] == "redeemed"
    again = run(*asked)[1]["permit"]["token"]
    assert run("permit", "void", again)[1]["state"] == "voided"


def test_a_withdrawal_tells_what_it_voided_and_what_is_in_flight(run, asked):
    used, still = run(*asked)[1]["permit"], run(*asked)[1]["permit"]
    assert run("permit", "redeem", used["token"], *asked[-2:])[1]["outcome"] == "permit"
    told = run("consent", "withdraw", REF, "newsletter", "email")[1]
    assert [one["id"] for one in told["permits_voided"]] == [still["id"]]
    assert [one["id"] for one in told["permits_in_flight"]] == [used["id"]]


@pytest.mark.parametrize("words", [("contact", "restrict"), ("contact", "erase")])
def test_so_do_a_restriction_and_an_erasure(run, asked, words):
    issued = run(*asked)[1]["permit"]
    told = run(*words, REF)[1]
    assert [one["id"] for one in told["permits_voided"]] == [issued["id"]]


def test_a_deny_is_told_with_its_reason(run, ann, tmp_path):
    code, told = run("permit", "issue", REF, "newsletter", "email", "--content-hash", "00" * 32)
    assert (code, told["permit"], told["decision"]["reason"]) == (0, None, "consent.missing")


@pytest.mark.parametrize("wrong", [(), ("--content-hash", "xy"), ("--content-hash", "00")])
def test_a_permit_needs_the_hash_of_one_content(run, ann, wrong):
    code, told = run("permit", "issue", f"email:{EMAIL}", "newsletter", "email", *wrong)
    assert code == 2
    assert told["error"]["code"].startswith("content_hash.")
