"""Consent that named its recipients covers no partner who is added later (GDPR art. 4(11), 26; LP-11)."""

from dataclasses import replace
from pathlib import Path

import pytest

from registry.access.workspace import Workspace
from registry.consents import projection
from registry.consents.ledger import EntryKind
from registry.kit.database import Role
from registry.kit.errors import Refused
from registry.policy import loader, service
from registry.policy.model import PolicySet
from registry.policy.partners import is_named
from tests.persons import CALLER, act, make, reason
from tests.policy import folders
from tests.policy.folders import copied

PARTNER = """
[kaste]
name = "SIA Kaste"
role = "{role}"
country = "LV"
contract = "Agreement 2026-09-01"
"""
POLICY = "purposes/newsletter/policy.toml"
LOCALES = ("en", "lv", "pl", "ru")


def with_partner(folder: Path, role: str = "controller") -> None:
    path = folder / "recipients.toml"
    path.write_text(path.read_text("utf-8") + PARTNER.format(role=role), "utf-8")
    folders.replace(
        folder, POLICY, 'recipients = ["dzintara-dati"]', 'recipients = ["dzintara-dati", "kaste"]'
    )


def named(
    folder: Path,
    *,
    change: str = "material",
    version: int = 2,
    old: str = "SIA Dzintara Dati",
    new: str = "SIA Kaste, SIA Dzintara Dati",
) -> None:
    """The next version of the notice, which names the partner."""
    for locale in LOCALES:
        path = folder / f"purposes/newsletter/notice.{locale}.md"
        path.with_name(f"notice.{locale}.{version - 1}.md").write_bytes(path.read_bytes())
        text = path.read_text("utf-8").replace(f"version = {version - 1}", f"version = {version}", 1)
        text = text.replace('change = "material"', f'change = "{change}"', 1)
        path.write_text(text.replace(old, new), "utf-8")


async def install(workspace: Workspace, folder: Path) -> PolicySet:
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        done = await service.install(
            session, workspace.ring, loader.load(folder), author="operator", reason="a partner"
        )
    return done.policies


@pytest.mark.law("LP-11")
def test_a_partner_whom_the_notice_does_not_name_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    with_partner(folder)
    found = folders.problems(folder)
    assert {problem.file for problem in found} == {
        f"purposes/newsletter/notice.{locale}.md" for locale in LOCALES
    }
    assert all("SIA Kaste" in problem.text for problem in found)
    # Who acts for us is no partner.
    other = copied(tmp_path / "other")
    with_partner(other, "processor")
    assert folders.problems(other) == []


@pytest.mark.law("LP-11")
async def test_an_editorial_change_lets_no_partner_in(workspace: Workspace, tmp_path: Path) -> None:
    folder = copied(tmp_path)
    with_partner(folder)
    named(folder, change="editorial")
    with pytest.raises(Refused, match=r"notice\.partner_added") as refused:
        await install(workspace, folder)
    assert "SIA Kaste" in refused.value.detail
    assert "material" in (refused.value.mend or "")


@pytest.mark.law("LP-11")
async def test_consents_from_before_the_partner_carry_nothing_any_more(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await make(workspace, "anna@example.test")
    await act(workspace, "email:anna@example.test", EntryKind.GRANTED)
    assert await reason(workspace, person) == "permit"
    folder = copied(tmp_path)
    with_partner(folder)
    named(folder)
    told = await install(workspace, folder)
    monkeypatch.setattr("tests.installation.policies", lambda: told)
    later = replace(workspace, policies=told)
    await projection.rebuild(workspace.database, CALLER)
    assert await reason(later, person) == "consent.notice_outdated"
    await act(later, "email:anna@example.test", EntryKind.GRANTED)
    assert await reason(later, person) == "permit"


async def with_the_partner(workspace: Workspace, tmp_path: Path) -> Path:
    """The folder in force, in which SIA Kaste is a partner since version 2 of the notice."""
    folder = copied(tmp_path)
    with_partner(folder)
    named(folder)
    await install(workspace, folder)
    return folder


@pytest.mark.law("LP-11")
async def test_another_partner_under_the_id_of_the_first_is_new(workspace: Workspace, tmp_path: Path) -> None:
    folder = await with_the_partner(workspace, tmp_path)
    folders.replace(folder, "recipients.toml", "SIA Kaste", "AS Data Broker")
    named(folder, change="editorial", version=3, old="SIA Kaste", new="AS Data Broker")
    assert folders.problems(folder) == []
    with pytest.raises(Refused, match=r"notice\.partner_added") as refused:
        await install(workspace, folder)
    assert "AS Data Broker" in refused.value.detail
    assert refused.value.field == POLICY


@pytest.mark.law("LP-11")
async def test_a_name_that_is_only_spelt_otherwise_is_no_other_partner(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = await with_the_partner(workspace, tmp_path)
    folders.replace(folder, "recipients.toml", "SIA Kaste", "SIA KASTE")
    await install(workspace, folder)


@pytest.mark.law("LP-11")
async def test_a_partner_who_left_and_comes_back_is_new(workspace: Workspace, tmp_path: Path) -> None:
    folder = await with_the_partner(workspace, tmp_path)
    folders.replace(folder, POLICY, ', "kaste"', "")
    named(folder, change="editorial", version=3, old="SIA Kaste, ", new="")
    await install(workspace, folder)
    # Whoever agrees now is told of no partner, and of none later by an editorial change.
    folders.replace(folder, POLICY, '"dzintara-dati"]', '"dzintara-dati", "kaste"]')
    named(folder, change="editorial", version=4)
    assert folders.problems(folder) == []
    with pytest.raises(Refused, match=r"notice\.partner_added"):
        await install(workspace, folder)
    for locale in LOCALES:
        last = f"purposes/newsletter/notice.{locale}.md"
        folders.replace(folder, last, 'change = "editorial"', 'change = "material"')
    await install(workspace, folder)


@pytest.mark.law("LP-11")
def test_a_key_that_lets_lapsed_consents_count_again_is_a_problem(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    with_partner(folder)
    named(folder)
    folders.replace(folder, POLICY, 'basis = "consent"', 'basis = "consent"\nleast_notice_version = 1')
    problem = folders.only(folder)
    assert "versions before 2 lapsed" in problem.text
    assert (problem.file, problem.line) == (POLICY, folders.line_of(folder, POLICY, "least_notice_version"))
    assert problem.mend == "take it out, or write 2 at least"


@pytest.mark.law("LP-11")
@pytest.mark.parametrize("way", ["the notices before", "no more material"])
async def test_consents_that_lapsed_stay_so(workspace: Workspace, tmp_path: Path, way: str) -> None:
    folder = await with_the_partner(workspace, tmp_path)
    if way == "the notices before":
        folder = copied(tmp_path / "before")
    else:
        for locale in LOCALES:
            last = f"purposes/newsletter/notice.{locale}.md"
            folders.replace(folder, last, 'change = "material"', 'change = "editorial"')
    with pytest.raises(Refused, match=r"notice\.lapsed") as refused:
        await install(workspace, folder)
    assert refused.value.field == POLICY
    assert "older than version 2 have lapsed" in refused.value.detail


def test_a_name_is_found_in_whole_words() -> None:
    assert is_named("SIA Kaste", "We share with SIA „KASTE”, in Latvia.")
    assert not is_named("SIA Kaste", "We share with SIA Kastenberg.")
    assert not is_named("SIA Kaste", "")
