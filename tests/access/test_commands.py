"""The command line for keys, persons, acts and checks: one JSON object out, one clear line for an error."""

import asyncio
import json

import pytest

from registry.access.workspace import Workspace
from registry.cli import zgoda
from registry.contacts import registering, service
from registry.contacts.identifiers import Kind, normalise
from registry.kit.caller import Caller
from registry.kit.ids import NIL
from registry.kit.terminal import guard
from registry.opening import opened

EMAIL = "ann.lee@example.test"
REF = f"email:{EMAIL}"
GRANT = ("consent", "grant", REF, "newsletter", "email", "--act", "ticked", "--notice", "1", "--locale", "en")


@pytest.fixture
def run(settings, monkeypatch, capsys):
    """Runs `zgoda ARGS --json` in this process; exit code, and the object on stdout or stderr."""
    for name in ("data", "database_url", "app_url", "retention_url"):
        monkeypatch.setenv(f"ZGODA_{name.upper()}", str(getattr(settings, name)))

    def call(*args):
        capsys.readouterr()
        code = guard(zgoda, [*args, "--json"])
        said = capsys.readouterr()
        # Logged lines may stand before an error on stderr; the error is the last.
        text = said.out if code == 0 else said.err.strip().splitlines()[-1]
        return code, json.loads(text)

    return call


@pytest.fixture
def ann(settings):
    """One person with one address; their id."""

    async def make(workspace: Workspace):
        new = service.NewContact(
            [service.NewIdentifier(normalise(Kind.EMAIL, EMAIL))], "form", {"first_name": "Ann"}
        )
        async with workspace.database.begin(Caller("operator", reason="test")) as session:
            return (await registering.register(session, workspace.ring, workspace.policies, new))[0]

    async def go():
        async with opened(settings) as workspace:
            return await make(workspace)

    return str(asyncio.run(go()))


def test_a_key_is_shown_once_and_listed_without_itself(run):
    code, made = run("apikey", "create", "--kind", "engine", "--name", "mailer", "--purpose", "newsletter")
    assert code == 0
    assert made["key"].startswith("zgoda_engine_")
    assert made["purposes"] == ["newsletter"]
    _, listed = run("apikey", "list")
    assert [one["name"] for one in listed["keys"]] == ["mailer"]
    assert made["key"] not in json.dumps(listed)
    assert run("apikey", "revoke", made["id"])[0] == 0
    code, problem = run("apikey", "revoke", made["id"])
    assert (code, problem["error"]["code"]) == (1, "apikey.unknown")


@pytest.mark.law("LP-44")
def test_a_key_without_a_scope_is_written_down_for_the_purposes_of_today(run):
    _, made = run("apikey", "create", "--kind", "engine", "--name", "mailer")
    assert "newsletter" in made["purposes"]
    assert made["controllers"] == []


@pytest.mark.parametrize(
    "args",
    [
        ("--kind", "root", "--name", "x"),
        ("--kind", "engine"),
        ("--kind", "engine", "--name", "x", "--purpose", "typo"),
        ("--kind", "engine", "--name", "x", "--controller", "typo"),
        ("--kind", "engine", "--name", ""),
        ("--kind", "engine", "--name", "x", "--expires", "2001-01-01T00:00:00Z"),
    ],
)
def test_a_key_that_cannot_be_made_is_wrong_usage(run, args):
    assert run("apikey", "create", *args)[0] == 2


def test_a_person_is_shown(run, ann):
    code, card = run("contact", "show", REF)
    assert code == 0
    assert card["id"] == ann
    assert card["identifiers"][0]["value"] == EMAIL
    assert card["fields"]["first_name"]["value"] == "Ann"


def test_granting_checking_withdrawing(run, ann):
    assert run("check", REF, "newsletter", "email")[1]["reason"] == "consent.missing"
    code, granted = run(*GRANT)
    assert (code, [one["contact"] for one in granted["entries"]]) == (0, [ann])
    code, permitted = run("check", ann, "newsletter", "email")
    assert (code, permitted["outcome"]) == (0, "permit")
    assert permitted["evidence"] == granted["entries"][0]["id"]
    assert run("consent", "withdraw", REF)[0] == 0
    assert run("check", ann, "newsletter", "email")[1]["outcome"] == "deny"
    then = granted["entries"][0]["recorded_at"]
    assert run("check", ann, "newsletter", "email", "--at", then)[1]["outcome"] == "permit"
    _, history = run("consent", "history", REF)
    assert [one["kind"] for one in history["entries"]] == ["granted", "withdrawn", "withdrawn"]


def test_a_sale_is_recorded(run, ann):
    sale = (
        "--kind",
        "sale",
        "--controller",
        "nordwind",
        "--occurred-at",
        "2026-01-10T12:00:00Z",
        "--product",
        "tents",
    )
    assert run("ground", "record", REF, *sale)[0] == 0
    assert run("check", ann, "order-messages", "email")[1]["outcome"] == "permit"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("contact", "show", "email:nobody@example.test"), 1, "contact.unknown"),
        (("contact", "show", "ann"), 2, "reference.invalid"),
        (("contact", "show", "email:ann"), 2, "identifier.invalid"),
        (("consent", "withdraw", "external:C-404"), 1, "contact.unknown"),
        ((*GRANT[:3], "newsleter", *GRANT[4:]), 2, "purpose.unknown"),
        ((*GRANT[:4], "pigeon", *GRANT[5:]), 2, "channel.unknown"),
        (GRANT[:7], 2, "notice.missing"),
        (GRANT[:5], 2, "usage.wrong"),
        ((*GRANT[:5], "--act", "scrolled"), 2, "usage.wrong"),
        (("check", REF, "newsletter", "email", "--at", "2026-01-01T00:00:00"), 2, "usage.wrong"),
    ],
)
@pytest.mark.usefixtures("ann")
def test_an_error_is_one_object_with_a_code(run, args, code, said):
    assert (run(*args)[0], run(*args)[1]["error"]["code"]) == (code, said)


@pytest.mark.parametrize(
    ("args", "said", "field", "mend"),
    [
        (("contact", "show", "ann"), "reference.invalid", "REF", "email:"),
        (("contact", "show", "email:ann"), "identifier.invalid", "REF", "check the value"),
        (
            ("consent", "grant", "email:nobody@example.test", *GRANT[3:]),
            "contact.unknown",
            "REF",
            "POST /api/v1/contacts",
        ),
        ((*GRANT[:3], "newsleter", *GRANT[4:]), "purpose.unknown", "PURPOSE", "zgoda policy list"),
        (
            ("contact", "prefer", REF, "--time-zone", "Mars/X"),
            "time_zone.unknown",
            "--time-zone",
            "Europe/Riga",
        ),
        (
            ("decision", "export", "newsletter", "email", "--because", "nope.x"),
            "reason.unknown",
            "--because",
            "counts",
        ),
        (
            (
                "ground",
                "record",
                REF,
                "--kind",
                "sale",
                "--controller",
                "x",
                "--occurred-at",
                "2026-01-10T12:00:00Z",
            ),
            "controller.unknown",
            "--controller",
            "nordwind",
        ),
        (("apikey", "revoke", str(NIL)), "apikey.unknown", None, "zgoda apikey list"),
        (("decision", "show", str(NIL)), "decision.unknown", None, "check"),
        (("permit", "void", str(NIL)), "permit.unknown", None, "zgoda permit list"),
        (("contact", "unmerge", str(NIL)), "merge.unknown", None, "zgoda contact merges"),
        (("audit", "export", "/nowhere/log"), "file.unwritable", "FILE", "folder"),
        (("sample", "--people", "1", "--out", "/nowhere/x.zip"), "file.unwritable", "--out", "folder"),
    ],
)
@pytest.mark.usefixtures("ann")
def test_an_error_names_what_was_typed_and_how_to_mend_it(run, args, said, field, mend):
    told = run(*args)[1]["error"]
    assert (told["code"], told.get("field")) == (said, field)
    assert mend in told["mend"]


def test_a_grant_without_an_address_says_how_to_name_one(run, ann):
    told = run(*GRANT[:2], ann, *GRANT[3:])[1]["error"]
    assert (told["code"], told["field"]) == ("consent.address_missing", "--identifier")
    assert "email:ADDRESS" in told["mend"]
    (held,) = run("contact", "show", ann)[1]["identifiers"]
    assert run(*GRANT[:2], ann, *GRANT[3:], "--identifier", held["id"])[0] == 0


@pytest.mark.usefixtures("ann")
def test_an_unknown_purpose_or_person_is_a_deny_of_the_check(run):
    assert run("check", REF, "newsleter", "email")[1]["reason"] == "purpose.unknown"
    assert run("check", "email:nobody@example.test", "newsletter", "email")[1]["reason"] == "contact.unknown"
