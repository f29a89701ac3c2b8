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


def named(folder: Path, *, change: str = "material", version: int = 2) -> None:
    """The next version of the notice, which names the partner."""
    for locale in LOCALES:
        path = folder / f"purposes/newsletter/notice.{locale}.md"
        if version > 1:
            path.with_name(f"notice.{locale}.1.md").write_bytes(path.read_bytes())
        text = path.read_text("utf-8").replace("version = 1", f"version = {version}", 1)
        text = text.replace('change = "material"', f'change = "{change}"', 1)
        path.write_text(text.replace("SIA Dzintara Dati", "SIA Kaste, SIA Dzintara Dati"), "utf-8")


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
    assert "kaste" in refused.value.detail
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
