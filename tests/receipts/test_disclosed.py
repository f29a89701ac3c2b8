"""A receipt tells recipients and terms of storage of its entry's time, or says that they are those of today."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.kit.database import Role
from registry.policy import in_force, loader, service
from registry.policy.in_force import Bundle
from tests import persons
from tests.persons import CALLER
from tests.policy import folders
from tests.receipts.test_receipts import EMAIL, receipt, record


async def put_in_force(workspace: Workspace, folder: Path) -> Workspace:
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        done = await service.install(
            session,
            workspace.ring,
            loader.load(folder),
            author="dpo",
            reason="test",
            bundle=Bundle.of(folder),
        )
    return replace(workspace, policies=done.policies)


async def test_recipients_and_terms_are_those_of_the_policies_in_force_then_or_it_says_that_they_are_not(
    workspace, tmp_path: Path
):
    folder = folders.copied(tmp_path)
    made = await persons.make(workspace, EMAIL)

    async def granted(under: Workspace) -> UUID:
        return (await persons.act(under, f"email:{EMAIL}", EntryKind.GRANTED)).id

    async def refused(under: Workspace) -> UUID:
        return (await persons.act(under, made, EntryKind.OBJECTED, "*", "*", controller="nordwind")).id

    unknown = [await granted(workspace), await refused(workspace)]
    first = await put_in_force(workspace, folder)
    early = [await granted(first), await refused(first)]
    folders.replace(folder, "recipients.toml", "SIA Dzintara Dati", "SIA Cits")
    folders.replace(folder, "recipients.toml", 'country = "LV"', 'country = "EE"')
    folders.replace(folder, "retention.toml", "term_days = 30", "term_days = 60")
    folders.replace(
        folder, "retention.toml", 'consent ended"\nterm_days = 1095', 'consent ended"\nterm_days = 7'
    )
    second = await put_in_force(first, folder)
    late = [await granted(second), await refused(second)]
    async with workspace.database.begin(CALLER) as session:
        hashes = {row.number: row.hash for row in await in_force.history(session)}

    async def told(entry: UUID) -> tuple[list[str], list[str], list[str], dict[str, str]]:
        (process,) = record(await receipt(second, made, entry))["dpv:hasProcess"]
        places, *kept = process["dpv:hasStorageCondition"]
        return (
            [one["dpv:hasName"] for one in process["dpv:hasRecipient"]],
            places["dpv:hasLocation"],
            [f"{one['zgoda:kind']} {one['dpv:hasDuration']['rdf:value']}" for one in kept],
            process["zgoda:recipientsAndStorage"],
        )

    now, then = {"zgoda:asOf": "receipt"}, {"zgoda:asOf": "entry"}
    new = (["SIA Cits"], ["loc:EE", "loc:LV"], ["identity P60D", "profile P30D", "proof P7D"])
    assert await told(unknown[0]) == (*new, now)
    assert await told(unknown[1]) == ([], ["loc:LV"], ["proof P7D"], now)
    old = (["SIA Dzintara Dati"], ["loc:LV"], ["identity P30D", "profile P30D", "proof P1095D"])
    assert await told(early[0]) == (*old, {**then, "zgoda:policySet": hashes[1]})
    assert await told(early[1]) == ([], ["loc:LV"], ["proof P1095D"], {**then, "zgoda:policySet": hashes[1]})
    assert await told(late[0]) == (*new, {**then, "zgoda:policySet": hashes[2]})
    assert await told(late[1]) == ([], ["loc:LV"], ["proof P7D"], {**then, "zgoda:policySet": hashes[2]})


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("recipients.toml", None),
        ("recipients.toml", "no table at all"),
        ("retention.toml", "[identity]\nafter = 3\n"),
        ("retention.toml", '[something]\nafter = "the end"\n'),
        ("purposes/newsletter/policy.toml", 'recipients = ["somebody-else"]'),
        ("purposes/newsletter/policy.toml", None),
    ],
)
async def test_a_set_that_cannot_be_read_or_is_of_another_purpose_is_not_guessed_from(workspace, file, text):
    files = dict(Bundle.of(None).files)
    files.pop(file) if text is None else files.update({file: text})
    made = await persons.make(workspace, EMAIL)
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        await in_force.record(session, Bundle(files, "folder"), author="dpo", reason="test")
    entry = await persons.act(workspace, f"email:{EMAIL}", EntryKind.GRANTED)
    (process,) = record(await receipt(workspace, made, entry.id))["dpv:hasProcess"]
    assert process["zgoda:recipientsAndStorage"] == {"zgoda:asOf": "receipt"}
    assert process["dpv:hasRecipient"][0]["dpv:hasName"] == "SIA Dzintara Dati"
