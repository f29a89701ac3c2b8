"""Putting policies into force on a real database: recorded once, never changed, numbered for good."""

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from registry.access.workspace import Workspace
from registry.kit.caller import Caller
from registry.kit.database import Role, Session
from registry.kit.errors import Refused
from registry.policy import loader, numbers, service
from tests.policy.folders import replace

CALLER = Caller("operator", reason="test")


@pytest_asyncio.fixture
async def owner(workspace: Workspace) -> AsyncIterator[Session]:
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        yield session


async def install(owner: Session, workspace: Workspace, folder: Path | None) -> service.Installed:
    return await service.install(owner, workspace.ring, loader.load(folder), author="dpo", reason="test")


async def entries(owner: Session) -> int:
    return int(
        await owner.value(
            "SELECT count(*) FROM audit_entry WHERE position(%s in body) > 0", (b"policy.install",)
        )
    )


async def test_installing_again_changes_nothing_and_logs_nothing(
    owner: Session, workspace: Workspace
) -> None:
    before = await entries(owner)
    assert before == 1
    again = await install(owner, workspace, None)
    assert not again.changed
    assert await entries(owner) == before


async def test_every_purpose_and_channel_has_a_number_and_room_in_the_gates_table(
    owner: Session, workspace: Workspace
) -> None:
    ids = await numbers.load_ids(owner)
    policies = loader.load()
    assert set(ids.purposes) == set(policies.purposes)
    assert set(ids.channels) == set(policies.channels)
    for number in ids.purposes.values():
        assert (
            await owner.value("SELECT count(*) FROM pg_class WHERE relname = %s", (f"gate_state_{number}",))
            == 1
        )


async def test_the_notice_is_recorded_byte_by_byte(owner: Session, workspace: Workspace) -> None:
    for notices in loader.load().notices.values():
        for notice in notices:
            row = await owner.one(
                "SELECT body, hash FROM notice WHERE purpose = %s AND version = %s AND locale = %s",
                (notice.purpose, notice.version, notice.locale),
            )
            assert row.body == notice.body
            assert bytes(row.hash) == notice.hash


async def test_the_recorded_version_is_the_hash_of_the_recorded_body(
    owner: Session, workspace: Workspace
) -> None:
    from hashlib import sha256

    import rfc8785

    for row in await owner.all("SELECT version, body FROM policy_version"):
        assert sha256(rfc8785.dumps(row.body)).hexdigest()[:32] == row.version


async def test_a_changed_policy_is_a_new_version_beside_the_old(
    owner: Session, workspace: Workspace, folder: Path
) -> None:
    replace(
        folder, "purposes/newsletter/policy.toml", 'least_grade = "attested"', 'least_grade = "first_party"'
    )
    installed = await install(owner, workspace, folder)
    assert set(installed.versions) == {"newsletter"}
    versions = await owner.value("SELECT count(*) FROM policy_version WHERE purpose = 'newsletter'")
    assert versions == 2
    assert await entries(owner) == 2


async def test_a_changed_text_under_a_recorded_version_is_refused(workspace: Workspace, folder: Path) -> None:
    replace(folder, "purposes/newsletter/notice.en.md", "twice a month", "every day")
    with pytest.raises(Refused) as refused:
        async with workspace.database.begin(CALLER, Role.OWNER) as session:
            await install(session, workspace, folder)
    assert refused.value.code == "notice.fixed"
    assert "newsletter/1/en" in refused.value.detail


async def test_a_changed_text_under_the_next_version_is_recorded_beside_the_old(
    owner: Session, workspace: Workspace, folder: Path
) -> None:
    for locale in ("en", "lv", "pl", "ru"):
        file = f"purposes/newsletter/notice.{locale}.md"
        kept = folder / f"purposes/newsletter/notice.{locale}.1.md"
        kept.write_bytes((folder / file).read_bytes())
        replace(folder, file, "version = 1", "version = 2")
    installed = await install(owner, workspace, folder)
    assert sorted(installed.notices) == [f"newsletter/2/{locale}" for locale in ("en", "lv", "pl", "ru")]


@pytest.mark.law("LP-12")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('controller = "nordwind"', 'controller = "polana"'),
        ('class = "marketing"', 'class = "service"'),
        ('basis = "consent"', 'basis = "legitimate_interests"\nbalancing = "product-letters"'),
    ],
)
async def test_another_controller_class_or_basis_under_the_same_name_is_refused(
    workspace: Workspace, folder: Path, old: str, new: str
) -> None:
    replace(folder, "purposes/newsletter/policy.toml", old, new)
    for notice in (folder / "purposes/newsletter").glob("notice.*.md"):
        text = notice.read_text().replace("SIA Nordwind", "Polana sp. z o.o.")
        text = text.replace("dati@nordwind.example", "dane@polana.example")
        notice.write_text(text.replace("withdrawal =", "objection =") if "basis" in old else text)
    if "controller" not in old:
        for notice in (folder / "purposes/newsletter").glob("notice.*.md"):
            text = notice.read_text().replace("Polana sp. z o.o.", "SIA Nordwind")
            notice.write_text(text.replace("dane@polana.example", "dati@nordwind.example"))
    with pytest.raises(Refused) as refused:
        async with workspace.database.begin(CALLER, Role.OWNER) as session:
            await install(session, workspace, folder)
    assert refused.value.code == "purpose.fixed"


async def test_a_purpose_gone_from_disk_is_retired_and_keeps_its_number_for_its_return(
    owner: Session, workspace: Workspace, folder: Path, tmp_path: Path
) -> None:
    number = (await numbers.load_ids(owner)).purposes["club-letter"]
    gone = tmp_path / "club-letter"
    (folder / "purposes/club-letter").rename(gone)
    fields = folder / "fields.toml"
    # The last field of the file is of use to this purpose alone.
    text = fields.read_text().partition("# Asked only of whoever")[0]
    fields.write_text(text.replace(', "club-letter"', ""))
    installed = await install(owner, workspace, folder)
    assert installed.retired == ["club-letter"]
    assert "club-letter" not in installed.policies.purpose_ids
    back = await install(owner, workspace, None)
    assert back.new_purposes == ["club-letter"]
    assert "club-letter" in back.unfilled
    assert back.policies.purpose_ids["club-letter"] == number


@pytest.mark.parametrize(
    ("file", "old", "new", "unfilled"),
    [
        ("product-updates", '"tents", ', "", ["product-updates"]),
        ("product-updates", '"one_click", "page"', '"one_click"', ["product-updates"]),
        ("newsletter", 'channels = ["email"]', 'channels = ["email", "sms"]', ["newsletter"]),
        ("club-letter", "valid_for_days = 730", "valid_for_days = 365", []),
        ("club-letter", "double_opt_in = true", "double_opt_in = false", ["club-letter"]),
    ],
)
async def test_a_change_that_the_gates_rows_follow_from_asks_for_them_to_be_written_anew(
    owner: Session, workspace: Workspace, folder: Path, file: str, old: str, new: str, unfilled: list[str]
) -> None:
    await service.mark_filled(owner, loader.load())
    assert (await install(owner, workspace, None)).unfilled == []
    replace(folder, f"purposes/{file}/policy.toml", old, new)
    installed = await install(owner, workspace, folder)
    assert installed.unfilled == unfilled
    await service.mark_filled(owner, installed.policies)
    assert (await install(owner, workspace, folder)).unfilled == []


async def test_the_application_can_read_policies_and_change_none(workspace: Workspace) -> None:
    for statement in (
        "INSERT INTO purpose (id, name, controller, class) VALUES (99, 'x', 'x', 'x')",
        "UPDATE notice SET body = 'x'",
        "DELETE FROM policy_version",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with workspace.database.begin(CALLER) as session:
                await session.execute(statement)


async def test_even_the_owner_cannot_change_a_recorded_notice(workspace: Workspace) -> None:
    with pytest.raises(psycopg.Error):
        async with workspace.database.begin(CALLER, Role.OWNER) as session:
            await session.execute("UPDATE notice SET body = 'x'")
