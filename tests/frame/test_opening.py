"""An installation opens whole or says in one line what is missing."""

import shutil
from dataclasses import replace

import pytest

from registry.access.workspace import Workspace
from registry.keys import persons
from registry.keys.ring import FileKeyRing, KeyEpochMissing
from registry.kit.caller import Caller
from registry.kit.config import Settings
from registry.kit.database import Urls
from registry.kit.errors import Refused
from registry.kit.ids import new_id
from registry.opening import initialised, opened


def settings_of(urls: Urls, tmp_path) -> Settings:
    return Settings(
        data=tmp_path / "new", database_url=urls.owner, app_url=urls.app, retention_url=urls.retention
    )


async def test_a_folder_that_was_never_initialised_is_refused_and_not_made(empty_urls, tmp_path):
    settings = settings_of(empty_urls, tmp_path)
    with pytest.raises(Refused, match=r"data\.not_initialised") as refusal:
        async with opened(settings):
            pass
    assert refusal.value.mend == "run zgoda init"
    assert not settings.data.exists()


async def test_an_empty_database_becomes_an_installation(empty_urls, tmp_path, caller):
    settings = settings_of(empty_urls, tmp_path)
    async with opened(settings, initialise=True) as workspace:
        assert isinstance(workspace, Workspace)
        assert len(workspace.policies.purposes) >= 4
        async with workspace.database.begin(caller) as session:
            assert await session.value("SELECT count(*) FROM policy_version") >= 4
            assert await session.value("SELECT current_user") == "zgoda_app"
    assert initialised(settings)
    async with opened(settings) as workspace, workspace.database.begin(caller) as session:
        assert await session.value("SELECT count(*) FROM key_epoch") == 1


async def test_one_that_was_cut_off_half_way_is_finished_by_another_try(empty_urls, tmp_path):
    settings = settings_of(empty_urls, tmp_path)
    async with opened(settings, initialise=True):
        pass
    (settings.data / "installation.json").unlink()
    before = (settings.keys_folder / "log.key").read_bytes()
    async with opened(settings, initialise=True):
        pass
    assert initialised(settings)
    assert (settings.keys_folder / "log.key").read_bytes() == before


async def test_a_database_whose_keys_are_elsewhere_gets_no_new_ones(empty_urls, tmp_path):
    settings = settings_of(empty_urls, tmp_path)
    async with opened(settings, initialise=True):
        pass
    shutil.rmtree(settings.data)
    with pytest.raises(Refused, match=r"keys\.ring_missing"):
        async with opened(settings, initialise=True):
            pass
    assert not (settings.keys_folder / "log.key").exists()


async def test_a_ring_without_an_epoch_that_persons_need_does_not_start(
    settings: Settings, workspace: Workspace
):
    async with workspace.database.begin(Caller("operator")) as session:
        await persons.create(session, workspace.ring, [new_id()])
    ring = FileKeyRing(settings.keys_folder)
    ring.add_epoch()
    ring.destroy_epoch(1)
    with pytest.raises(KeyEpochMissing) as refusal:
        async with opened(settings):
            pass
    assert "epoch 1" in refusal.value.detail
    assert "\n" not in refusal.value.line()


async def test_missing_policies_are_one_line(settings: Settings, tmp_path):
    with pytest.raises(Refused) as refusal:
        async with opened(settings.model_copy(update={"policies": tmp_path / "nowhere"})):
            pass
    assert "\n" not in refusal.value.line()


async def test_a_database_that_does_not_answer_is_one_line(settings: Settings):
    gone = replace(
        Urls(settings.database_url or "", settings.app_url or "", settings.retention_url or ""),
        owner="postgresql://zgoda_owner:geheim@127.0.0.1:9/zgoda",
    )
    with pytest.raises(Refused, match=r"database\.unavailable") as refusal:
        async with opened(settings.model_copy(update={"database_url": gone.owner})):
            pass
    assert "geheim" not in refusal.value.line()
