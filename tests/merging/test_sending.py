"""What is queued for records that are merged goes by what both said, to the address that it was for."""

from pathlib import Path

import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.dispatch.sink import sink
from tests.dispatch.people import campaign, persons
from tests.dispatch.test_sending import done, sending
from tests.merging import people
from tests.persons import act


async def test_a_merged_person_is_written_to_once_at_the_address_of_either_record(
    workspace: Workspace, tmp_path: Path
) -> None:
    (one,) = await persons(workspace, ["one@example.org"], granted=False)
    (other,) = await persons(workspace, ["other@example.org"])
    await people.merge(workspace, one, other)
    campaign_id = await campaign(workspace)
    async with sink(tmp_path / "mail") as server, sending(workspace, server):
        found = await done(workspace, campaign_id)
        assert server.recipients() == ["other@example.org"]
    assert found.permitted == 1
    assert found.messages == {"handed_over": 1}


@pytest.mark.law("LP-23")
async def test_what_was_queued_before_the_merge_is_stopped_by_what_the_other_record_said(
    workspace: Workspace, tmp_path: Path
) -> None:
    one, other = await persons(workspace, ["one@example.org", "other@example.org"])
    campaign_id = await campaign(workspace)
    await act(workspace, one, EntryKind.WITHDRAWN)
    await people.merge(workspace, one, other)
    async with sink(tmp_path / "mail") as server, sending(workspace, server):
        found = await done(workspace, campaign_id)
        assert server.recipients() == []
    assert found.reasons == {"blocked": {"consent.withdrawn": 1, "message.duplicate": 1}}


async def test_what_was_queued_twice_for_one_person_is_sent_once(
    workspace: Workspace, tmp_path: Path
) -> None:
    one, other = await persons(workspace, ["one@example.org", "other@example.org"])
    campaign_id = await campaign(workspace)
    await people.merge(workspace, one, other)
    async with sink(tmp_path / "mail") as server, sending(workspace, server):
        found = await done(workspace, campaign_id)
        assert server.recipients() == ["one@example.org"]
    assert found.reasons == {"blocked": {"message.duplicate": 1}}
