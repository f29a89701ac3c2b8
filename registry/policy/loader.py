"""Reads a folder of policies into one checked, hashed value; what is doubtful is refused by file and line."""

import re
from collections.abc import Iterator
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import rfc8785
from pydantic import TypeAdapter, ValidationError

from registry.kit.shipped import folder as shipped_folder
from registry.policy import checks, notice_checks
from registry.policy.documents import (
    Document,
    Finding,
    KeyPath,
    PolicyInvalid,
    Problem,
    nearest,
    read,
    read_notice,
)
from registry.policy.model import (
    Channel,
    ContactField,
    Controller,
    EprivacyRule,
    Model,
    Name,
    Notice,
    PolicySet,
    Purpose,
    Recipient,
    Retention,
    RolePolicy,
)

M = TypeVar("M", bound=Model)

_NAME = TypeAdapter(Name)
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


def examine(folder: Path) -> tuple[PolicySet | None, list[Problem]]:
    """What a folder says, and every problem in it; None when it cannot even be read as policies."""
    reader = _Reader(folder)
    if not folder.is_dir():
        return None, [Problem(str(folder), 1, "no such folder", "name the folder that holds purposes/")]
    policies = reader.policies()
    found = checks.findings(policies) if not reader.problems else notice_checks.all_findings(policies)
    problems = sorted({*reader.problems, *(reader.located(finding) for finding in found)})
    return (None if reader.problems else policies), problems


class _Reader:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.documents: dict[str, Document] = {}

    def located(self, finding: Finding) -> Problem:
        document = self.documents.get(finding.file)
        line = document.line_of(finding.path) if document else 1
        return Problem(finding.file, line, finding.text, finding.mend)

    def policies(self) -> PolicySet:
        """What could be read; whole only when there is no problem."""
        controllers = {
            path.stem: self._model(Controller, self._document(f"controllers/{path.name}"), (), path.stem)
            for path in sorted(self.folder.glob("controllers/*.toml"))
        }
        notices: dict[str, tuple[Notice, ...]] = {}
        purposes: dict[str, Purpose | None] = {}
        for path in sorted(self.folder.glob("purposes/*/")):
            if path.is_dir() and not path.name.startswith((".", "_")):
                notices[path.name] = tuple(self._notices(path.name))
                purposes[path.name] = self._purpose(path.name, notices[path.name])
        if not purposes:
            self._say("purposes", (), "there is no purpose", "add purposes/<purpose>/policy.toml")
        parts: dict[str, Any] = {
            "controllers": controllers,
            "purposes": purposes,
            "channels": self._table("channels.toml", Channel),
            "fields": self._table("fields.toml", ContactField),
            "recipients": self._table("recipients.toml", Recipient),
            "retention": self._table("retention.toml", Retention),
            "roles": self._table("roles.toml", RolePolicy),
        }
        eprivacy = tuple(self._eprivacy())
        whole: dict[str, Any] = {
            part: {k: v for k, v in found.items() if v is not None} for part, found in parts.items()
        }
        policies = PolicySet.model_construct(**whole, notices=notices, eprivacy=eprivacy)
        if self.problems:
            return policies
        versioned = {
            name: purpose.model_copy(update={"version": version(policies, name)})
            for name, purpose in policies.purposes.items()
        }
        return policies.model_copy(update={"purposes": versioned})

    def _document(self, file: str) -> Document | None:
        document = read(self.folder, file, self.problems)
        if document is not None:
            self.documents[file] = document
        return document

    def _say(self, file: str, path: KeyPath, text: str, mend: str) -> None:
        document = self.documents.get(file)
        self.problems.append(Problem(file, document.line_of(path) if document else 1, text, mend))

    def _table(self, file: str, model: type[M]) -> dict[str, M | None]:
        """A file of tables, each named by its id."""
        document = self._document(file)
        found: dict[str, M | None] = {}
        for name, values in (document.data if document else {}).items():
            if document is None or not isinstance(values, dict):
                self._say(file, (name,), f"`{name}` stands outside every table", "put it under a [name]")
                continue
            found[name] = self._model(model, document, (name,), name)
        return found

    def _purpose(self, name: str, notices: tuple[Notice, ...]) -> Purpose | None:
        document = self._document(f"purposes/{name}/policy.toml")
        current = max((notice.version for notice in notices), default=None)
        derived: dict[str, Any] = {"notice_version": current, "version": ""}
        if document is not None and "least_notice_version" not in document.data:
            material = [notice.version for notice in notices if notice.change == "material"]
            derived["least_notice_version"] = max(material, default=0)
        return self._model(Purpose, document, (), name, derived)

    def _notices(self, purpose: str) -> Iterator[Notice]:
        for path in sorted((self.folder / "purposes" / purpose).glob("*.md")):
            file = f"purposes/{purpose}/{path.name}"
            name = _NOTICE_FILE.match(path.name)
            if name is None:
                self._say(file, (), "not the name of a notice", "call it notice.<locale>.md")
                continue
            document = read_notice(self.folder, file, self.problems)
            if document is None:
                continue
            self.documents[file] = document
            notice = self._model(Notice, document, (), None, {"purpose": purpose, "body": document.body})
            if notice is None:
                continue
            if notice.locale != name[1]:
                self._say(file, ("locale",), f"says locale {notice.locale}", f'write locale = "{name[1]}"')
            if name[2] is not None and notice.version != int(name[2]):
                self._say(file, ("version",), f"says version {notice.version}", f"write version = {name[2]}")
            yield notice

    def _eprivacy(self) -> Iterator[EprivacyRule]:
        """A rule is written once for several countries, channels and kinds, and read as one for each."""
        file = "eprivacy.toml"
        document = self._document(file)
        seen: set[tuple[object, ...]] = set()
        for index, rule in enumerate(document.data.get("rule", ()) if document else ()):
            at: KeyPath = ("rule", index)
            axes = [rule.get(axis) for axis in ("countries", "channels", "subscribers")]
            if not all(isinstance(axis, list) and axis for axis in axes):
                self._say(
                    file, at, "a rule needs countries, channels and subscribers", "list at least one of each"
                )
                continue
            rest = {k: v for k, v in rule.items() if k not in ("countries", "channels", "subscribers")}
            for country, channel, subscriber in product(*axes):
                values = {"country": country, "channel": channel, "subscriber": subscriber, **rest}
                made = self._validated(EprivacyRule, document, at, values)
                if made is None:
                    break
                key = (made.country, made.channel, made.subscriber, made.since)
                if key in seen:
                    said = f"a second rule for {country}, {channel}, {subscriber} from the same day"
                    self._say(file, at, said, "keep one of them")
                    break
                seen.add(key)
                yield made

    def _model(
        self,
        model: type[M],
        document: Document | None,
        at: KeyPath,
        name: str | None,
        derived: dict[str, Any] | None = None,
    ) -> M | None:
        if document is None:
            return None
        values = document.data
        for step in at:
            values = values[step]  # type: ignore[index]  # a path into TOML: tables by name
        given = dict(values)
        known = dict(derived or {})
        if name is not None:
            known["id"] = name
            try:
                _NAME.validate_python(name)
            except ValidationError:
                said = f"`{name}` is not a name"
                self._say(document.file, at, said, "use a to z, 0 to 9, - and _, beginning with a letter")
                return None
        for key in [key for key in given if key in known]:
            self._say(document.file, (*at, key), f"`{key}` is not set here", "take it out")
            return None
        return self._validated(model, document, at, {**given, **known}, frozenset(known))

    def _validated(
        self,
        model: type[M],
        document: Document | None,
        at: KeyPath,
        values: dict[str, Any],
        derived: frozenset[str] = frozenset(),
    ) -> M | None:
        try:
            return model.model_validate(values)
        except ValidationError as error:
            if document is not None:
                self.problems.extend(_problems(model, document, at, error, derived))
            return None


def _problems(
    model: type[Model], document: Document, at: KeyPath, error: ValidationError, derived: frozenset[str]
) -> Iterator[Problem]:
    keys = [field.alias or name for name, field in model.model_fields.items() if name not in derived]
    details = error.errors(include_url=False, include_input=False)
    absent = {str(d["loc"][-1]) for d in details if d["type"] == "missing"}
    for detail in details:
        if detail["type"] != "extra_forbidden":
            continue
        key = str(detail["loc"][-1])
        meant = nearest(key, [*absent, *keys])
        absent.discard(meant or "")
        mend = f"did you mean `{meant}`?" if meant else f"the keys are {', '.join(keys)}"
        yield Problem(document.file, document.line_of((*at, *detail["loc"])), f"unknown key `{key}`", mend)
    for detail in details:
        key = ".".join(map(str, detail["loc"]))
        line = document.line_of((*at, *detail["loc"]))
        if detail["type"] == "missing":
            if str(detail["loc"][-1]) in absent:
                yield Problem(
                    document.file, line, *checks.MISSING.get(key, (f"`{key}` is missing", "add it"))
                )
        elif detail["type"] != "extra_forbidden":
            message = (
                detail["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
            )
            yield Problem(document.file, line, f"`{key}` {message}", "correct the value")


def body(policies: PolicySet, purpose: str) -> dict[str, Any]:
    """Everything that a decision about the purpose depends on, as JSON: what its version is the hash of."""
    made = policies.purposes[purpose]
    controller = policies.controllers.get(made.controller)
    rules = [rule for rule in policies.eprivacy if made.is_marketing and rule.channel in made.channels]
    return {
        "purpose": made.model_dump(mode="json", by_alias=True, exclude={"version"}),
        "controller": controller.model_dump(mode="json") if controller else None,
        "notices": [
            {**notice.model_dump(mode="json", exclude={"body", "purpose"}), "hash": notice.hash.hex()}
            for notice in sorted(policies.notices.get(purpose, ()), key=lambda n: (n.version, n.locale))
        ],
        "eprivacy": sorted(
            (rule.model_dump(mode="json") for rule in rules),
            key=lambda r: (r["country"], r["channel"], r["subscriber"], r["since"]),
        ),
    }


def version(policies: PolicySet, purpose: str) -> str:
    """The first 128 bits of SHA-256 over the canonical JSON (RFC 8785) of the purpose's body, as hex."""
    return sha256(rfc8785.dumps(body(policies, purpose))).hexdigest()[:32]
