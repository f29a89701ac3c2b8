"""The generator's truth against the gate: every person, every address, and the figures of the whole base."""

import json
from pathlib import Path
from typing import Any

import pytest

from registry.access.workspace import Workspace
from registry.contacts.queries import parse_reference
from registry.exchange import imports, mapping, sample
from registry.exchange.imports import Imported
from registry.gate import service as gate
from registry.subject_requests.erasure import erase_person
from tests.persons import CALLER, check, reason

# Rules that are about a whole address and not about whoever asks.
OF_ADDRESS = ("address.dead", "address.suppressed")


async def load(workspace: Workspace, path: Path) -> Imported:
    told = mapping.load(Path(f"{path}.mapping.toml"), "mailchimp")
    return await imports.run(workspace, CALLER, path, "mailchimp", told)


async def figures(workspace: Workspace) -> dict[str, int]:
    async with workspace.database.begin(CALLER) as session:
        return await gate.bulk(session, workspace.ring, workspace.policies, "newsletter", "email")


def written(folder: Path, people: int, seed: int) -> tuple[Path, dict[str, Any]]:
    path = folder / "sample.zip"
    sample.write(people, seed, path)
    return path, json.loads(Path(f"{path}.truth.json").read_bytes())


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_gates_figures_are_the_truth_also_after_a_second_import(
    workspace: Workspace, tmp_path: Path, seed: int
) -> None:
    path, truth = written(tmp_path, 2500, seed)
    counts = truth["counts"]
    for created in (counts["imported"], 0):
        done = await load(workspace, path)
        assert done.counts.created == created
        assert done.counts.rows == counts["rows"]
        assert done.counts.rejected == counts["rejected_by"]
        assert await figures(workspace) == {"permit": counts["permitted"], **counts["blocked"]}


async def test_every_person_and_every_address_gets_the_answer_of_the_truth(
    workspace: Workspace, tmp_path: Path
) -> None:
    path, truth = written(tmp_path, 250, 3)
    await load(workspace, path)
    sharers: dict[str, int] = {}
    for person in truth["people"]:
        for address in person["addresses"]:
            sharers[address] = sharers.get(address, 0) + 1
    for person in truth["people"]:
        if person["external_id"] is None:
            continue
        decision = await check(workspace, f"external:{person['external_id']}")
        assert (decision.reason == "permit") == person["permitted"]
        if person["permitted"]:
            if sharers[person["send_to"]] == 1:
                assert (
                    decision.identifier == (await check(workspace, f"email:{person['send_to']}")).identifier
                )
        else:
            assert decision.reason == person["reason"]
    for address, about in truth["addresses"].items():
        answer = await reason(workspace, f"email:{address}")
        if sharers.get(address, 0) > 1:
            assert answer == "contact.ambiguous"
        else:
            assert answer == (about["reason"] or "permit")


@pytest.mark.law("LP-74")
async def test_who_was_erased_is_not_made_again_by_the_same_file(
    workspace: Workspace, tmp_path: Path
) -> None:
    path, truth = written(tmp_path, 300, 4)
    await load(workspace, path)
    before = await figures(workspace)
    shared = {address for p in truth["people"] for address in p["addresses"] if truth["people"].count(p) > 1}
    person = next(
        p for p in truth["people"] if p["permitted"] and p["external_id"] and not shared & set(p["addresses"])
    )
    reference = parse_reference(f"external:{person['external_id']}")
    await erase_person(workspace.database, workspace.ring, workspace.policies, CALLER, reference)
    done = await load(workspace, path)
    assert done.counts.created == 0
    assert done.counts.rejected["address.erased"] >= len(person["addresses"])
    assert await reason(workspace, f"email:{person['send_to']}") == "contact.unknown"
    assert (await figures(workspace))["permit"] == before["permit"] - 1
