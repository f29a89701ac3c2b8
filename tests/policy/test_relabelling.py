"""Whoever withdrew is not reached again by calling the purpose something else (LP-18)."""

import shutil
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.exchange import mapping
from registry.kit.config import Settings
from registry.kit.database import Role
from registry.kit.errors import Misuse, Refused
from registry.opening import opened
from registry.policy import loader, relabelling, service
from registry.policy.in_force import Bundle, Change
from tests.exchange.files import mailchimp, row
from tests.exchange.loading import load_rows
from tests.persons import CALLER, act, make, reason, sale
from tests.policy.folders import end, line_of, only, problems, replace, rest_on_interest

NEWSLETTER = "purposes/newsletter/policy.toml"


async def withdrawn(workspace: Workspace) -> UUID:
    """Somebody who agreed to the newsletter and withdrew."""
    person = await make(workspace, "person@example.org")
    async with workspace.database.begin(CALLER) as session:
        address = await session.value("SELECT id FROM assignment WHERE contact_id = %s", (person,))
    await act(workspace, person, EntryKind.GRANTED, assignment_id=address)
    await act(workspace, person, EntryKind.WITHDRAWN)
    return person


async def refused(workspace: Workspace, folder: Path) -> Refused:
    with pytest.raises(Refused) as error:
        async with workspace.database.begin(CALLER, Role.OWNER) as session:
            await service.install(session, workspace.ring, loader.load(folder), author="dpo", reason="test")
    return error.value


async def install(workspace: Workspace, folder: Path) -> list[str]:
    """Put the folder in force; which purposes are new."""
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        policies = loader.load(folder)
        done = await service.install(session, workspace.ring, policies, author="dpo", reason="test")
    return done.new_purposes


def renamed(folder: Path, purpose: str, name: str) -> None:
    """The purpose under another name, in the place of the one before."""
    (folder / "purposes" / purpose).rename(folder / "purposes" / name)
    (folder / "purposes" / name / "cases.toml").unlink()
    fields = folder / "fields.toml"
    fields.write_text(
        fields.read_text(encoding="utf-8").replace(f'"{purpose}"', f'"{name}"'), encoding="utf-8"
    )


def twice(folder: Path, purpose: str, name: str) -> None:
    """The purpose under another name as well, beside the one before."""
    shutil.copytree(folder / "purposes" / purpose, folder / "purposes" / name)
    (folder / "purposes" / name / "cases.toml").unlink()
    fields = folder / "fields.toml"
    both = f'"{purpose}", "{name}"'
    fields.write_text(fields.read_text("utf-8").replace(f'"{purpose}"', both), "utf-8")


def retitled(folder: Path, purpose: str) -> None:
    """Other titles, and not a word changed in the notices."""
    path = folder / "purposes" / purpose / "policy.toml"
    head, _, titles = path.read_text(encoding="utf-8").partition("[title]")
    lines = [f'{line[:-1]} and more"' if line.endswith('"') else line for line in titles.splitlines()]
    path.write_text(f"{head}[title]" + "\n".join(lines) + "\n", encoding="utf-8")


def reworded(folder: Path, purpose: str) -> None:
    """Another aim in every notice, under the same title."""
    for notice in (folder / "purposes" / purpose).glob("notice.*.md"):
        text = notice.read_text(encoding="utf-8")
        heading = next(line for line in text.splitlines() if line.startswith("purpose = ")).split('"')[1]
        notice.write_text(
            text.replace(f"## {heading}\n", f"## {heading}\nSomething else.\n"), encoding="utf-8"
        )


@pytest.mark.law("LP-18")
@pytest.mark.parametrize("basis", ["legitimate_interests", "contract"])
async def test_a_purpose_keeps_its_basis(workspace: Workspace, folder: Path, basis: str) -> None:
    person = await withdrawn(workspace)
    if basis == "contract":
        policy = 'class = "service"\nbasis = "contract"'
        replace(folder, NEWSLETTER, 'class = "marketing"\nbasis = "consent"', policy)
    else:
        rest_on_interest(folder, "newsletter")
    assert (await refused(workspace, folder)).code == "purpose.fixed"
    assert await reason(workspace, person) in ("consent.withdrawn", "address.suppressed")


@pytest.mark.law("LP-18")
@pytest.mark.parametrize("disguise", [None, retitled, reworded])
async def test_a_new_name_for_the_same_aim_does_not_move_it_to_an_interest(
    workspace: Workspace, folder: Path, disguise: object
) -> None:
    await withdrawn(workspace)
    renamed(folder, "newsletter", "house-news")
    rest_on_interest(folder, "house-news")
    if callable(disguise):
        disguise(folder, "house-news")
    assert problems(folder) == []  # of the folder alone it cannot be seen: what was asked for is on record
    refusal = await refused(workspace, folder)
    assert refusal.code == "purpose.relabelled"
    assert refusal.field == "purposes/house-news/policy.toml"
    assert "newsletter" in refusal.detail
    assert "rest it on consent" in (refusal.mend or "")


@pytest.mark.law("LP-18")
async def test_a_purpose_that_ended_years_ago_is_remembered(
    workspace: Workspace, folder: Path, tmp_path: Path
) -> None:
    before = shutil.copytree(folder, tmp_path / "before")
    end(folder, "newsletter")
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        policies = loader.load(folder)
        installed = await service.install(session, workspace.ring, policies, author="dpo", reason="test")
    assert installed.retired == ["newsletter"]
    rest_on_interest(before, "newsletter")
    assert (await refused(workspace, before)).code == "purpose.fixed"


@pytest.mark.law("LP-18")
def test_one_aim_on_two_bases_is_seen_in_the_folder(folder: Path) -> None:
    twice(folder, "newsletter", "house-news")
    rest_on_interest(folder, "house-news")
    problem = only(folder)
    assert problem.file == "purposes/house-news/policy.toml"
    assert "the same title as newsletter" in problem.text
    retitled(folder, "house-news")
    assert "the same aim as newsletter" in only(folder).text
    reworded(folder, "house-news")
    assert problems(folder) == []


@pytest.mark.law("LP-33", "LP-18")
@pytest.mark.parametrize("disguise", [None, retitled, reworded])
async def test_a_new_name_for_an_interest_does_not_lose_its_objections(
    workspace: Workspace, folder: Path, disguise: object
) -> None:
    person = await make(workspace, "person@example.org")
    await sale(workspace, person)
    await act(workspace, person, EntryKind.OBJECTED, "product-updates")
    renamed(folder, "product-updates", "product-letters")
    if callable(disguise):
        disguise(folder, "product-letters")
    assert problems(folder) == []  # who objected to what is on record alone
    refusal = await refused(workspace, folder)
    assert refusal.code == "purpose.relabelled"
    assert refusal.field == "purposes/product-letters/policy.toml"
    assert "objected" in refusal.detail
    assert "keep the id product-updates" in (refusal.mend or "")


@pytest.mark.law("LP-33")
async def test_another_interest_under_another_title_and_aim_is_another_purpose(
    workspace: Workspace, folder: Path
) -> None:
    renamed(folder, "product-updates", "product-letters")
    retitled(folder, "product-letters")
    reworded(folder, "product-letters")
    assert await install(workspace, folder) == ["product-letters"]
    # What it was recorded as telling is its own: the same files again are no problem.
    assert await install(workspace, folder) == []


@pytest.mark.law("LP-33")
def test_one_aim_twice_on_an_interest_is_seen_in_the_folder(folder: Path) -> None:
    twice(folder, "product-updates", "product-letters")
    found = {problem.file: problem for problem in problems(folder)}
    assert set(found) == {f"purposes/{name}/policy.toml" for name in ("product-letters", "product-updates")}
    problem = found["purposes/product-letters/policy.toml"]
    assert "the same title as product-updates" in problem.text
    assert problem.line == line_of(folder, problem.file, "[title]")
    assert "give each a title of its own" in (problem.mend or "")


@pytest.mark.law("LP-33")
@pytest.mark.parametrize("purpose", ["order-messages", "request-answers"])
def test_two_to_which_nobody_can_object_may_share_a_title(folder: Path, purpose: str) -> None:
    twice(folder, purpose, "other-messages")
    assert problems(folder) == []


@pytest.mark.law("LP-18")
async def test_a_text_that_differs_in_what_nobody_sees_is_the_same(
    workspace: Workspace, folder: Path
) -> None:
    renamed(folder, "newsletter", "house-news")
    rest_on_interest(folder, "house-news")
    path = folder / "purposes/house-news/policy.toml"
    head, _, titles = path.read_text("utf-8").partition("[title]")
    path.write_text(f"{head}[title]" + titles.replace("ordwind", "ord\u200bwind"), "utf-8")
    reworded(folder, "house-news")
    assert (await refused(workspace, folder)).code == "purpose.relabelled"


@pytest.mark.parametrize(
    "other",
    [
        "News\u200bletter of Nord\u00adwind",
        "\u2060newsletter\u3000of  NORDWIND\ufeff",
        "\uff2eewsletter of N\u00f6rdwind\u3164",
        "News-letter of Nord\u034fwind\ufe0f",
    ],
)
def test_what_nobody_sees_makes_no_other_title(other: str) -> None:
    assert relabelling.plain(other) == relabelling.plain("Newsletter of Nordwind")


def test_another_controller_and_another_consent_may_ask_for_the_same() -> None:
    policies = loader.load()
    asked = relabelling.told(policies.purposes["newsletter"], policies.notices["newsletter"])
    another = policies.purposes["newsletter"].model_copy(update={"id": "other"})
    same = relabelling.told(another, policies.notices["newsletter"])
    assert relabelling.same_aim(asked, same, {}) == "title"
    elsewhere = relabelling.told(another.model_copy(update={"controller": "polana"}), ())
    assert relabelling.same_aim(asked, elsewhere, {}) is None
    assert relabelling.same_aim(asked, elsewhere, {"polana": "nordwind"}) == "title"
    assert relabelling.plain("  Newsletter — of\nNordwind! ") == relabelling.plain("newsletter of nordwind")


@pytest.mark.law("LP-18")
async def test_apply_refuses_it_too_and_the_set_in_force_stays(settings: Settings, folder: Path) -> None:
    async with opened(settings):
        pass
    rest_on_interest(folder, "newsletter")
    with pytest.raises(Refused, match=r"purpose\.fixed"):
        async with opened(settings, change=Change(Bundle.of(folder), "admin", "we may, surely")):
            pass
    async with opened(settings) as workspace:
        assert workspace.policies.purposes["newsletter"].basis == "consent"


@pytest.mark.law("LP-18")
async def test_no_fact_about_a_person_turns_a_withdrawn_consent_into_an_interest_or_a_contract(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    person = await withdrawn(workspace)
    before = await reason(workspace, person)
    for kind in ("contract", "balancing", "public_task"):
        fact = {
            "subject": {"id": str(person)},
            "kind": kind,
            "controller": "nordwind",
            "source": "crm",
            "occurred_at": "2026-10-01T00:00:00Z",
        }
        done = await admin.post("/api/v1/grounds", json=fact)
        assert done.status_code == 201, done.text
        assert await reason(workspace, person) == before
    await sale(workspace, person)
    assert await reason(workspace, person) == before


@pytest.mark.law("LP-18")
async def test_the_api_has_no_act_that_sets_a_basis(admin: httpx.AsyncClient, workspace: Workspace) -> None:
    person = await withdrawn(workspace)
    before = await reason(workspace, person)
    said = {"subject": {"id": str(person)}, "source": "crm"}
    about = {"purpose": "newsletter", "channel": "email"}
    for path, body in (
        ("/api/v1/consents", {**said, **about, "kind": "object"}),
        ("/api/v1/grounds", {**said, "kind": "contract", "controller": "nordwind"}),
    ):
        done = await admin.post(path, json={**body, "basis": "legitimate_interests"})
        assert done.status_code == 400, (path, done.text)
        assert "unknown field `basis`" in done.text
    assert await reason(workspace, person) == before


@pytest.mark.law("LP-18")
async def test_no_file_names_a_basis_and_none_brings_back_whoever_withdrew(
    workspace: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(Misuse):
        mapping.parse({"consent": {"basis": "legitimate_interests"}}, "mailchimp")
    person = await make(workspace, "home@x.test")
    async with workspace.database.begin(CALLER) as session:
        address = await session.value("SELECT id FROM assignment WHERE contact_id = %s", (person,))
    await act(workspace, person, EntryKind.GRANTED, assignment_id=address)
    await act(workspace, person, EntryKind.WITHDRAWN)
    before = await reason(workspace, person)
    await load_rows(
        workspace, tmp_path, mailchimp(), subscribed=[row("home@x.test", OPTIN_TIME="2025-05-05 12:00:00")]
    )
    assert await reason(workspace, person) == before
