"""Reads a folder of policies into one checked, hashed value; what is doubtful is refused by file and line."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from registry.kit.shipped import folder as shipped_folder
from registry.policy import checks, collection_loader, notice_checks, rule_files
from registry.policy.balancing import BalancingTest
from registry.policy.documents import PolicyInvalid, Problem
from registry.policy.lists import AddressList
from registry.policy.model import (
    LIVE_PURPOSES_LIMIT,
    Channel,
    ContactField,
    Controller,
    Notice,
    PolicySet,
    Purpose,
    Recipient,
    Retention,
    RolePolicy,
)
from registry.policy.reader import Reader
from registry.policy.versions import version

_NOTICE_FILE = re.compile(r"^notice\.([a-z]{2})(?:\.(\d+))?\.md$")


def load(folder: Path | None = None) -> PolicySet:
    """The policies of a folder, or those that ship with Zgoda.

    PolicyInvalid, with every problem's file, line and mend, unless all of it can be used and is lawful as far
    as a program can see (`registry.policy.checks`).
    """
    policies, problems = examine(folder or shipped_folder("policies"))
    if policies is None or problems:
        raise PolicyInvalid(problems)
    return policies


def examine(folder: Path, today: date | None = None) -> tuple[PolicySet | None, list[Problem]]:
    """What a folder says, and every problem in it; None when it cannot even be read as policies.

    With `today`, what is overdue is a problem as well. A start asks without: a review that somebody forgot stops
    what rests on it (the gate sees to that), and not everything else.
    """
    reader = Reader(folder)
    if not folder.is_dir():
        return None, [Problem(str(folder), 1, "no such folder", "name the folder that holds purposes/")]
    names = _purpose_names(folder)
    if len(names) > LIVE_PURPOSES_LIMIT:
        # Refused before they are read: a mistake of a program that writes folders must not take minutes to tell.
        return None, [Problem("purposes", 1, *checks.too_many(len(names)))]
    policies = _policies(reader, names)
    found = checks.findings(policies, today) if not reader.problems else notice_checks.all_findings(policies)
    problems = sorted({*reader.problems, *(reader.located(finding) for finding in found)})
    return (None if reader.problems else policies), problems


def _purpose_names(folder: Path) -> list[str]:
    found = (path for path in folder.glob("purposes/*/") if path.is_dir())
    return sorted(path.name for path in found if not path.name.startswith((".", "_")))


def _policies(reader: Reader, names: list[str]) -> PolicySet:
    """What could be read; whole only when there is no problem."""
    controllers: dict[str, Controller] = {}
    for path in sorted(reader.folder.glob("controllers/*.toml")):
        made = reader.named(Controller, reader.document(f"controllers/{path.name}"), (), path.stem)
        if made is not None:
            controllers[path.stem] = made
    notices: dict[str, tuple[Notice, ...]] = {}
    purposes: dict[str, Purpose] = {}
    for name in names:
        notices[name] = tuple(_notices(reader, name))
        if (purpose := _purpose(reader, name, notices[name])) is not None:
            purposes[name] = purpose
    if not names:
        reader.say("purposes", (), "there is no purpose", "add purposes/<purpose>/policy.toml")
    channels = reader.table("channels.toml", Channel)
    policies = PolicySet.model_construct(
        controllers=controllers,
        purposes=purposes,
        notices=notices,
        channels=channels,
        fields=reader.table("fields.toml", ContactField),
        recipients=reader.table("recipients.toml", Recipient),
        retention=reader.table("retention.toml", Retention),  # type: ignore[arg-type]  # keyed by StrEnum
        roles=reader.table("roles.toml", RolePolicy),
        eprivacy=tuple(rule_files.eprivacy(reader, channels)),
        ages=tuple(rule_files.ages(reader)),
        schedule=rule_files.schedule(reader),
        lists=reader.table("lists.toml", AddressList, optional=True),
        balancing=reader.table("balancing.toml", BalancingTest, optional=True),
    )
    policies = policies.model_copy(update={"collection": collection_loader.load_points(reader, policies)})
    if reader.problems:
        return policies
    versioned = {
        name: purpose.model_copy(update={"version": version(policies, name)})
        for name, purpose in policies.purposes.items()
    }
    return policies.model_copy(update={"purposes": versioned})


def _purpose(reader: Reader, name: str, notices: tuple[Notice, ...]) -> Purpose | None:
    document = reader.document(f"purposes/{name}/policy.toml")
    current = max((notice.version for notice in notices), default=None)
    derived: dict[str, Any] = {"notice_version": current, "version": ""}
    if document is not None and "least_notice_version" not in document.data:
        material = [notice.version for notice in notices if notice.change == "material"]
        derived["least_notice_version"] = max(material, default=0)
    return reader.named(Purpose, document, (), name, derived)


def _notices(reader: Reader, purpose: str) -> Iterator[Notice]:
    for path in sorted((reader.folder / "purposes" / purpose).glob("*.md")):
        file = f"purposes/{purpose}/{path.name}"
        name = _NOTICE_FILE.match(path.name)
        if name is None:
            reader.say(file, (), "not the name of a notice", "call it notice.<locale>.md")
            continue
        document = reader.notice(file)
        if document is None:
            continue
        notice = reader.named(Notice, document, (), None, {"purpose": purpose, "body": document.body})
        if notice is None:
            continue
        if notice.locale != name[1]:
            reader.say(file, ("locale",), f"says locale {notice.locale}", f'write locale = "{name[1]}"')
        if name[2] is not None and notice.version != int(name[2]):
            reader.say(file, ("version",), f"says version {notice.version}", f"write version = {name[2]}")
        yield notice
