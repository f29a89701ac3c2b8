"""The policies in force: taken once from a folder, recorded whole, and never written past."""

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from registry.consents.ledger import EntryKind
from registry.kit.config import Settings
from registry.kit.database import Role
from registry.kit.errors import Refused
from registry.opening import opened
from registry.policy import in_force, loader, service
from registry.policy.documents import Finding, PolicyInvalid
from registry.policy.in_force import Bundle, Change, PolicyChanged
from registry.policy.model import PolicySet
from registry.standing import service as standing
from tests.persons import CALLER, act, make, reason
from tests.policy.folders import NEWSLETTER, replace

TERM = ('class = "marketing"', 'class = "marketing"\nvalid_for_days = 700')


def change(folder: Path, **more: int) -> Change:
    return Change(Bundle.of(folder), "A. Lawyer", "a shorter term", **more)


def with_folder(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(update={"policies": folder})


async def test_the_first_start_takes_the_folder_and_every_later_one_what_is_in_force(
    settings: Settings, folder: Path
) -> None:
    named = with_folder(settings, folder)
    async with opened(named) as workspace:
        assert workspace.policies.number == 1
        version = workspace.policies.purposes["newsletter"].version
    replace(folder, NEWSLETTER, *TERM)
    for other in (named, settings):
        async with opened(other) as workspace:
            assert workspace.policies.number == 1
            assert workspace.policies.purposes["newsletter"].version == version
    async with opened(named, change=change(folder)) as workspace:
        assert workspace.policies.number == 2
        assert workspace.policies.purposes["newsletter"].valid_for_days == 700
    async with opened(settings) as workspace:
        assert workspace.policies.purposes["newsletter"].valid_for_days == 700


async def test_a_folder_that_says_other_than_what_is_in_force_is_told_of_at_the_start(
    settings: Settings, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    named = with_folder(settings, folder)
    async with opened(named):
        pass
    capfd.readouterr()
    async with opened(named):
        pass
    assert "policy.differs" not in "".join(capfd.readouterr())
    replace(folder, NEWSLETTER, *TERM)
    async with opened(named):
        pass
    told = "".join(capfd.readouterr())
    assert "policy.differs" in told
    assert f"zgoda policy apply {folder}" in told


async def test_a_release_with_other_policies_changes_nothing_by_itself_and_names_the_way(
    settings: Settings, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(settings) as workspace:
        version = workspace.policies.purposes["newsletter"].version
    replace(folder, NEWSLETTER, *TERM)
    # The next release ships this folder.
    monkeypatch.setattr(in_force, "shipped_folder", lambda _: folder)
    async with opened(settings) as workspace:
        assert workspace.policies.purposes["newsletter"].version == version
    assert "zgoda policy apply shipped" in "".join(capfd.readouterr())


async def test_whoever_applied_a_folder_is_not_asked_about_the_shipped_one(
    settings: Settings, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    replace(folder, NEWSLETTER, *TERM)
    async with opened(settings, change=change(folder)):
        pass
    capfd.readouterr()
    async with opened(settings):
        pass
    assert "policy.differs" not in "".join(capfd.readouterr())


async def test_a_database_from_before_sets_were_recorded_goes_on_with_its_folder(settings: Settings) -> None:
    """The test's database was made with versions and no set, as release 0.1 left them."""
    with psycopg.connect(str(settings.database_url)) as connection:
        (sets,) = connection.execute("SELECT count(*) FROM policy_set").fetchone() or (None,)
        (versions,) = connection.execute("SELECT count(*) FROM policy_version").fetchone() or (None,)
    assert (sets, bool(versions)) == (0, True)
    async with opened(settings) as workspace:
        assert workspace.policies.number == 1
        async with workspace.database.begin(CALLER) as session:
            assert await session.value("SELECT count(*) FROM policy_version") == versions


async def test_a_set_is_recorded_whole_with_author_and_reason_and_never_changes(
    settings: Settings, folder: Path, tmp_path: Path
) -> None:
    replace(folder, NEWSLETTER, *TERM)
    async with opened(settings, change=change(folder)) as workspace:
        async with workspace.database.begin(CALLER) as session:
            found = await in_force.recorded(session, None)
            assert found is not None
            assert (found.author, found.reason, found.number) == ("A. Lawyer", "a shorter term", 1)
            assert found.bundle.files == Bundle.of(folder).files
            body = await session.value("SELECT body FROM audit_entry ORDER BY id DESC LIMIT 1")
        assert b"policy.install" in body
        assert b"A. Lawyer" in body
        for statement in (
            "UPDATE policy_set SET author = 'x'",
            "DELETE FROM policy_set",
            "TRUNCATE policy_set",
        ):
            with pytest.raises(psycopg.Error):
                async with workspace.database.begin(CALLER, Role.OWNER) as session:
                    await session.execute(statement)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                async with workspace.database.begin(CALLER) as session:
                    await session.execute(statement)


async def test_the_same_files_again_are_the_same_set(settings: Settings, folder: Path) -> None:
    for _ in range(2):
        async with opened(settings, change=change(folder)) as workspace:
            assert workspace.policies.number == 1


async def test_of_two_who_change_the_policies_at_once_the_second_must_look_again(
    settings: Settings, folder: Path
) -> None:
    async with opened(settings):
        pass
    replace(folder, NEWSLETTER, *TERM)
    async with opened(settings, change=change(folder, instead_of=1)):
        pass
    replace(folder, NEWSLETTER, "valid_for_days = 700", "valid_for_days = 600")
    with pytest.raises(Refused, match=r"policy\.overtaken"):
        async with opened(settings, change=change(folder, instead_of=1)):
            pass


async def test_what_cannot_be_in_force_is_refused_and_the_set_before_stays(
    settings: Settings, folder: Path
) -> None:
    async with opened(settings):
        pass
    replace(folder, NEWSLETTER, 'basis = "consent"\n', "")
    with pytest.raises(PolicyInvalid):
        async with opened(settings, change=change(folder)):
            pass
    async with opened(settings) as workspace:
        assert workspace.policies.number == 1


async def test_nothing_is_written_by_policies_that_are_in_force_no_more(
    settings: Settings, folder: Path
) -> None:
    async with opened(settings) as workspace:
        person = await make(workspace, "person@example.org")
        replace(folder, NEWSLETTER, *TERM)
        async with opened(settings, change=change(folder)):
            pass
        with pytest.raises(PolicyChanged) as refused:
            await act(workspace, person, EntryKind.WITHDRAWN)
        assert refused.value.status == 503
        with pytest.raises(PolicyChanged):
            async with workspace.database.begin(CALLER) as session:
                await in_force.require(session, workspace.policies)
    async with opened(settings) as workspace:
        await act(workspace, person, EntryKind.WITHDRAWN)
        assert await reason(workspace, person) in ("consent.withdrawn", "address.suppressed")


async def test_a_transaction_that_began_under_the_policies_before_is_waited_for_and_written_anew(
    settings: Settings, folder: Path
) -> None:
    replace(folder, "purposes/club-letter/policy.toml", "double_opt_in = true", "double_opt_in = false")
    async with opened(settings) as workspace:
        first = await make(workspace, "first@example.org")
        async with workspace.database.begin(CALLER) as session:
            first_address = await session.value("SELECT id FROM assignment WHERE contact_id = %s", (first,))
        await act(workspace, first, EntryKind.GRANTED, "club-letter", assignment_id=first_address)
        assert await reason(workspace, first, "club-letter") == "consent.unconfirmed"
        locked, go = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            """Looked at the policies in time, and writes the person's rows by them after others are in force."""
            async with workspace.database.begin(CALLER) as session:
                await standing.lock(session, [first], [])
                await in_force.require(session, workspace.policies)
                locked.set()
                await go.wait()
                session.stale.add(first)

        async def applied() -> None:
            async with opened(settings, change=change(folder)):
                pass

        writing = asyncio.create_task(slow())
        await locked.wait()
        applying = asyncio.create_task(applied())
        await asyncio.sleep(0.7)
        assert not applying.done()
        go.set()
        await writing
        await applying
    async with opened(settings) as workspace:
        assert await reason(workspace, first, "club-letter") == "permit"


async def test_what_a_later_release_would_refuse_keeps_nobody_from_saying_no(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The set was lawful by the checks of its time; a check that came since holds for the next set."""
    async with opened(settings, initialise=True) as workspace:
        made = await make(workspace, "anna@example.org")
        await act(workspace, "email:anna@example.org", EntryKind.GRANTED)

    def stricter(policies: PolicySet, today: date | None = None) -> Iterator[Finding]:
        yield Finding(
            "purposes/newsletter/policy.toml", ("title",), "this is refused by now", "write another"
        )

    async def never(*_: object) -> None:
        raise Refused("notice.lapsed", "This is refused by now, too.")

    monkeypatch.setattr(loader.checks, "findings", stricter)
    monkeypatch.setattr(service.lapsed, "refuse_revived", never)
    async with opened(settings) as workspace:
        assert workspace.policies.number == 1
        await act(workspace, "email:anna@example.org", EntryKind.WITHDRAWN)
        assert await reason(workspace, made) == "address.suppressed"
    with pytest.raises(PolicyInvalid):
        Bundle.of(None).loaded()
