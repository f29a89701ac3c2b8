"""Forms beside those that ship, for tests: an earlier and a later version, and a checkout."""

import shutil
from dataclasses import replace as with_
from pathlib import Path

from registry.access.workspace import Workspace
from registry.kit.database import Role
from registry.kit.shipped import folder as shipped_folder
from registry.policy import loader, service
from registry.policy.documents import Problem
from tests.persons import CALLER
from tests.policy.folders import problems, replace


def copied(to: Path) -> Path:
    """A copy of the shipped policies in `to`, with their forms."""
    return Path(shutil.copytree(shipped_folder("policies"), to / "policies"))


FOOTER = "collection/newsletter-footer/point.toml"
FOOTER_TEXT = "collection/newsletter-footer/text.en.md"
LOCALES = ("en", "lv", "pl", "ru")


def text_of(locale: str) -> str:
    return f"collection/newsletter-footer/text.{locale}.md"


def second_version(folder: Path, point: str = "newsletter-footer") -> None:
    """A form published anew, the footer if no other is named, with its first version beside it."""
    place = folder / "collection" / point
    for path in sorted(place.iterdir()):
        earlier = path.with_name(f"{path.stem}.1{path.suffix}")
        shutil.copy(path, earlier)
        path.write_text(path.read_text("utf-8").replace("version = 1", "version = 2", 1), "utf-8")


def checkout(folder: Path, *, opt_out: bool) -> None:
    """The footer as a checkout: an order is served, and product letters rest on the sale."""
    served = 'default_locale = "lv"\nsale = true\nserves = ["order-messages", "product-updates"]\n'
    replace(folder, FOOTER, 'default_locale = "lv"\n', served)
    replace(folder, FOOTER, "[notices]\n", "[notices]\norder-messages = 1\nproduct-updates = 1\n")
    if opt_out:
        box = (
            '[[control]]\nid = "no-letters"\nkind = "checkbox"\nsays = "no"\npurposes = ["product-updates"]\n'
        )
        old = '[[control]]\nid = "send"'
        replace(folder, FOOTER, old, f'{box}channels = ["email"]\n\n{old}')
    for locale in LOCALES:
        if opt_out:
            replace(folder, text_of(locale), "[labels]\n", '[labels]\nno-letters = "No letters, please"\n')
        replace(folder, text_of(locale), "[parts]\n", '[parts]\ninterests = "Why"\nobjection = "Object"\n')
        path = folder / text_of(locale)
        told = "\n## Why\nTo tell customers of goods like theirs.\n\n## Object\nAt any time, and we stop.\n"
        path.write_text(path.read_text("utf-8") + told, "utf-8")


async def installed(workspace: Workspace, folder: Path) -> Workspace:
    """The installation with the policies of a folder, put into force as a start would."""
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        done = await service.install(
            session, workspace.ring, loader.load(folder), author="operator", reason="test"
        )
    return with_(workspace, policies=done.policies)


def found(folder: Path, told: str) -> Problem:
    """The problem that says so; every other one of the folder is shown when there is none."""
    everything = problems(folder)
    matching = [problem for problem in everything if told in problem.text]
    assert matching, [str(problem) for problem in everything]
    assert matching[0].mend
    return matching[0]


def changed(folder: Path, old: str, new: str, told: str, file: str = FOOTER) -> Problem:
    replace(folder, file, old, new)
    return found(folder, told)
