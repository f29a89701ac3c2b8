"""Both clients against the real server: every call does what its name says, and every refusal has a class."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.client import (
    AsyncClient,
    Client,
    Forbidden,
    Misuse,
    NotFound,
    Question,
    Refused,
    Unauthenticated,
    by_email,
    by_external,
    by_id,
    by_phone,
)
from tests.http.routes import key
from tests.persons import make

EMAIL = "anna@example.test"
ANNA = by_email(EMAIL)
SHOWN: dict[str, Any] = {"act": "ticked", "notice": (1, "en"), "evidence": {"page": "/join"}}


async def test_a_person_says_yes_and_no(zgoda: Any, workspace: Workspace) -> None:
    contact = await make(workspace, EMAIL)
    assert (await zgoda.check(ANNA, "newsletter", "email")).reason == "consent.missing"
    granted = await zgoda.grant(ANNA, "newsletter", "email", **SHOWN)
    assert [one.contact for one in granted.entries] == [contact]
    decision = await zgoda.check(by_id(contact), "newsletter", "email")
    assert decision.permitted and decision.evidence == granted.entries[0].id
    withdrawn = await zgoda.withdraw(ANNA, "newsletter", "email")
    assert withdrawn.relay_queue_hours is not None
    decision = await zgoda.check(ANNA, "newsletter", "email", identifier=decision.identifier)
    assert (decision.permitted, decision.outcome) == (False, "deny")
    for no in (zgoda.object, zgoda.refuse):
        assert len((await no(ANNA, controller="nordwind")).entries) == 1


async def test_double_opt_in_is_asked_and_confirmed(zgoda: Any, workspace: Workspace) -> None:
    await make(workspace, EMAIL)
    asked = await zgoda.request(ANNA, "club-letter", "email", act="ticked", notice=(1, "en"))
    assert (await zgoda.check(ANNA, "club-letter", "email")).reason == "consent.unconfirmed"
    confirmed = {"act": "clicked", "notice": (1, "en"), "refers_to": asked.entries[0].id}
    await zgoda.confirm(ANNA, "club-letter", "email", **confirmed)
    assert (await zgoda.check(ANNA, "club-letter", "email")).reason != "consent.unconfirmed"


async def test_a_time_that_is_past_is_asked_about(zgoda: Any, workspace: Workspace) -> None:
    await make(workspace, EMAIL)
    before = datetime.now(UTC)
    await zgoda.grant(ANNA, "newsletter", "email", **SHOWN)
    assert (await zgoda.check(ANNA, "newsletter", "email")).permitted
    assert not (await zgoda.check(ANNA, "newsletter", "email", at=before)).permitted


async def test_many_are_asked_about_at_once(zgoda: Any, workspace: Workspace) -> None:
    await make(workspace, EMAIL, external="C-1")
    await zgoda.grant(ANNA, "newsletter", "email", **SHOWN)
    same = [
        Question(one, "newsletter", "email") for one in (ANNA, by_external("C-1"), by_email("x@example.test"))
    ]
    assert [one.reason for one in await zgoda.check_many(same)] == ["permit", "permit", "contact.unknown"]
    mixed = [
        Question(ANNA, "newsletter", "email"),
        Question(ANNA, "club-letter", "email"),
        Question(by_phone("+37120000000"), "order-messages", "sms"),
    ]
    assert [one.permitted for one in await zgoda.check_many(mixed)] == [True, False, False]
    assert await zgoda.check_many([]) == []


async def test_more_than_a_thousand_are_sent_in_pieces(zgoda: Any, workspace: Workspace) -> None:
    await make(workspace, EMAIL, external="C-1")
    await zgoda.grant(ANNA, "newsletter", "email", **SHOWN)
    nobody = Question(by_external("nobody"), "newsletter", "email")
    asked = [*[nobody] * 1000, Question(by_external("C-1"), "newsletter", "email"), nobody]
    told = await zgoda.check_many(asked)
    assert [place for place, one in enumerate(told) if one.permitted] == [1000]
    assert len(told) == 1002


async def test_an_audience_is_counted_by_reason(zgoda: Any, workspace: Workspace) -> None:
    await make(workspace, EMAIL)
    await make(workspace, "bob@example.test")
    await zgoda.grant(ANNA, "newsletter", "email", **SHOWN)
    counts = await zgoda.count("newsletter", "email")
    assert (counts.persons, counts.permitted, counts.blocked) == (2, 1, {"consent.missing": 1})


async def test_a_permit_is_issued_redeemed_and_given_back(zgoda: Any, workspace: Workspace) -> None:
    await make(workspace, EMAIL)
    assert (await zgoda.issue_permit(ANNA, "newsletter", "email", b"hello")).permit is None
    await zgoda.grant(ANNA, "newsletter", "email", **SHOWN)
    used = (await zgoda.issue_permit(ANNA, "newsletter", "email", b"hello", expires_in=30)).permit
    back = (await zgoda.issue_permit(ANNA, "newsletter", "email", b"hello")).permit
    still = (await zgoda.issue_permit(ANNA, "newsletter", "email", b"hello")).permit
    assert (await zgoda.redeem_permit(used.token, b"hullo")).reason == "permit.content_changed"
    assert (await zgoda.redeem_permit(used.token, b"hello")).permitted
    assert (await zgoda.redeem_permit(used.token, b"hello")).reason == "permit.redeemed"
    assert (await zgoda.void_permit(back.id)).state == "voided"
    assert (await zgoda.void_permit(used.token)).state == "redeemed"
    told = await zgoda.withdraw(ANNA, "newsletter", "email")
    assert [one.id for one in told.permits_voided] == [still.id]
    assert [one.id for one in told.permits_in_flight] == [used.id]


async def test_a_ledger_is_read_page_by_page(zgoda: Any, workspace: Workspace) -> None:
    contact = await make(workspace, EMAIL)
    for _ in range(3):
        await zgoda.grant(ANNA, "newsletter", "email", acted_at=datetime.now(UTC), **SHOWN)
        await zgoda.withdraw(ANNA, "newsletter", "email")
    entries = await zgoda.because("audit", "ticket 12").ledger(contact, page=4)
    assert [one.seq for one in entries] == [1, 2, 3, 4, 5, 6]
    assert [one.kind for one in entries][:2] == ["granted", "withdrawn"]
    assert entries[0].notice is not None and entries[0].notice.version == 1 and entries[0].has_evidence
    page = await zgoda.ledger_page(contact, after=4, limit=1)
    assert ([one.seq for one in page.entries], page.next) == ([5], 5)


@pytest.mark.parametrize(
    ("call", "kind", "code", "field"),
    [
        (
            lambda z: z.grant(ANNA, "newsletter", "email", act="scrolled", notice=(1, "en")),
            (Misuse, Refused),
            "",
            "",
        ),
        (lambda z: z.withdraw(ANNA, "no-such", "email"), Misuse, "purpose.unknown", "/purpose"),
        (lambda z: z.withdraw(by_external("nobody"), "newsletter"), NotFound, "contact.unknown", "/subject"),
        (lambda z: z.withdraw(ANNA, "Not A Word"), Misuse, "request.invalid", "/purpose"),
        (lambda z: z.void_permit(uuid4()), NotFound, "permit.unknown", None),
        (lambda z: z.ledger(uuid4()), NotFound, "contact.unknown", None),
    ],
)
async def test_a_refusal_has_a_class_a_code_and_a_field(
    zgoda: Any, workspace: Workspace, call: Any, kind: Any, code: str, field: str | None
) -> None:
    await make(workspace, EMAIL)
    with pytest.raises(kind) as caught:
        await call(zgoda)
    error = caught.value
    assert error.request_id and error.status is not None and error.status < 500
    assert EMAIL not in str(error)
    if code:
        assert (error.code, error.field) == (code, field)


async def test_keys_that_do_not_reach_and_reasons_that_are_missing(workspace: Workspace, app: Any) -> None:
    transport = httpx.ASGITransport(app=app)
    engine = await key(workspace, "engine", controllers=("polana",))
    async with AsyncClient("http://zgoda.test", engine, transport=transport) as client:
        with pytest.raises(Forbidden, match=r"purpose\.out_of_scope"):
            await client.check(ANNA, "newsletter", "email")
    admin = await key(workspace, "admin")
    async with AsyncClient("http://zgoda.test", admin, transport=transport) as client:
        with pytest.raises(Misuse, match=r"purpose\.missing"):
            await client.ledger_page(UUID(int=1))
    async with AsyncClient("http://zgoda.test", "zgoda_admin_x", transport=transport) as client:
        with pytest.raises(Unauthenticated, match=r"credential\.invalid"):
            await client.check(ANNA, "newsletter", "email")


async def test_what_closes_a_client_leaves_its_elder_open(workspace: Workspace, served: str) -> None:
    admin = await key(workspace, "admin")
    async with AsyncClient(served, admin) as client:
        async with client.because("support", "ticket 1") as other:
            await other.check(ANNA, "newsletter", "email")
        await client.check(ANNA, "newsletter", "email")
    with pytest.raises(RuntimeError):
        await client.check(ANNA, "newsletter", "email")


@pytest.mark.parametrize("url", ["", "example.test", "ftp://example.test", "https://"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="begins with"):
        Client(url, "key")
