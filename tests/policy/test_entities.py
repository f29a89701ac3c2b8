"""One legal entity is one controller, whatever its file is called: a "no" to it holds for it (LP-18)."""

import shutil
from pathlib import Path

import pytest

from registry.access.workspace import Workspace
from registry.kit.database import Role
from registry.kit.errors import Refused
from registry.policy import loader, service
from registry.policy.entities import legal_name, one_entity
from tests.persons import CALLER
from tests.policy.folders import end, line_of, problems, replace

SECOND = "controllers/nordwind-two.toml"
HOUSE = "purposes/house-news/policy.toml"
OF_NORDWIND = ("newsletter", "product-updates", "order-messages", "request-answers")


def house_news(folder: Path, class_: str) -> None:
    """The newsletter word for word, of a second file for the same entity, on an interest."""
    shutil.copy(folder / "controllers/nordwind.toml", folder / SECOND)
    shutil.copytree(folder / "purposes/newsletter", folder / "purposes/house-news")
    (folder / "purposes/house-news/cases.toml").unlink()
    replace(folder, HOUSE, 'controller = "nordwind"', 'controller = "nordwind-two"')
    replace(folder, HOUSE, 'class = "marketing"', f'class = "{class_}"')
    on_interest = 'basis = "legitimate_interests"\nbalancing = "product-letters"'
    replace(folder, HOUSE, 'basis = "consent"', on_interest)
    for notice in (folder / "purposes/house-news").glob("notice.*.md"):
        notice.write_text(notice.read_text("utf-8").replace("withdrawal =", "objection ="), "utf-8")
    fields = folder / "fields.toml"
    fields.write_text(
        fields.read_text("utf-8").replace('"newsletter"', '"newsletter", "house-news"'), "utf-8"
    )


@pytest.mark.law("LP-18")
@pytest.mark.parametrize("class_", ["service", "marketing"])
def test_a_second_file_for_the_same_entity_moves_no_consent_to_an_interest(folder: Path, class_: str) -> None:
    house_news(folder, class_)
    found = {problem.file: problem for problem in problems(folder)}
    assert set(found) == {SECOND, HOUSE}
    assert found[SECOND].line == line_of(folder, SECOND, "name")
    assert "one legal entity, one file (GDPR art. 4(7))" in found[SECOND].text
    assert "use nordwind" in found[SECOND].mend
    assert found[HOUSE].line == line_of(folder, HOUSE, "basis")
    assert "the same title as newsletter" in found[HOUSE].text


@pytest.mark.law("LP-18")
@pytest.mark.parametrize("class_", ["service", "marketing"])
async def test_a_controller_under_another_id_is_known_by_its_name(
    workspace: Workspace, folder: Path, class_: str
) -> None:
    house_news(folder, class_)
    for purpose in OF_NORDWIND:
        end(folder, purpose)
    (folder / "controllers/nordwind.toml").unlink()
    for file in ("schedule.toml", "lists.toml"):
        path = folder / file
        path.write_text(path.read_text("utf-8").replace('"nordwind"', '"nordwind-two"'), "utf-8")
    assert problems(folder) == []  # what was asked for under the other id is on record alone
    with pytest.raises(Refused) as error:
        async with workspace.database.begin(CALLER, Role.OWNER) as session:
            await service.install(session, workspace.ring, loader.load(folder), author="dpo", reason="test")
    assert error.value.code == "purpose.relabelled"
    assert error.value.field == HOUSE
    assert "newsletter" in error.value.detail


@pytest.mark.law("LP-18")
async def test_a_controller_that_changed_its_name_and_then_its_id_is_still_itself(
    workspace: Workspace, folder: Path
) -> None:
    house_news(folder, "service")
    policies = loader.examine(folder)[0]
    assert policies is not None
    first = policies.controllers["nordwind"]
    later = first.model_copy(update={"name": "SIA Ziemeļvējš"})
    newsletter = policies.purposes["newsletter"]
    kept = {"newsletter": newsletter.model_copy(update={"version": "0" * 32})}
    renamed = policies.model_copy(update={"purposes": kept, "controllers": {"nordwind": later}})
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        await service.install(session, workspace.ring, renamed, author="dpo", reason="a new name")
    second = later.model_copy(update={"id": "nordwind-two", "name": "Ziemeļvējš SIA"})
    moved = policies.model_copy(
        update={
            "purposes": {"house-news": policies.purposes["house-news"]},
            "controllers": {"nordwind-two": second},
        }
    )
    with pytest.raises(Refused, match=r"purpose\.relabelled"):
        async with workspace.database.begin(CALLER, Role.OWNER) as session:
            await service.install(session, workspace.ring, moved, author="dpo", reason="and a new id")


def test_a_legal_name_is_the_same_however_it_is_written() -> None:
    same = {legal_name(x) for x in ("SIA Nordwind", 'sia  "NORDWIND"', "Nordwind, S.I.A.", "SIA Nōrdwind")}
    assert len(same) == 1
    assert legal_name("SIA Nordwind") != legal_name("SIA Nordwind Rīga")
    assert legal_name("Polana sp. z o.o.") == legal_name("POLANA Sp.z o.o.")


def test_ids_and_names_that_ever_stood_together_are_one_entity() -> None:
    named = [
        ("a", "One"),
        ("c", "Three"),
        ("b", "Two"),
        ("c", "Two"),
        ("a", "Three"),
        ("d", "Four"),
        ("e", "-"),
    ]
    known = one_entity(named)
    assert known["a"] == known["b"] == known["c"]
    assert len({known["a"], known["d"], known["e"]}) == 3
