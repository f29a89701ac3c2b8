"""Turns one policy file at a time into checked values, and keeps every problem with its file, line and mend."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from registry.policy.documents import Document, Finding, KeyPath, Problem, nearest, read, read_notice
from registry.policy.model import Basis
from registry.policy.words import Model, Name

M = TypeVar("M", bound=Model)

_NAME = TypeAdapter(Name)

# Keys whose absence has a meaning in law; any other is just missing.
_MISSING_IN_LAW = {
    "basis": (
        "a purpose without a lawful basis (GDPR art. 6(1))",
        "write basis = one of " + ", ".join(f'"{basis}"' for basis in Basis),
    ),
    "controller": ("a purpose that nobody answers for (GDPR art. 4(7))", 'write controller = "<id>"'),
    "signed_by": ("a balancing test that nobody signed (GDPR art. 5(2), 6(1)(f))", "name who answers for it"),
    "signed_on": ("a balancing test without its day (GDPR art. 5(2), 6(1)(f))", "write when it was signed"),
    "review_by": (
        "a balancing test that is never looked at again (GDPR art. 5(2))",
        "write until when it holds",
    ),
}


class Reader:
    """One folder being read: what was opened of it, and what is wrong so far.

    Every reader of a kind of file asks it for documents and hands it values to validate; none of them raises.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.documents: dict[str, Document] = {}

    def located(self, finding: Finding) -> Problem:
        """A finding with the line of its key."""
        document = self.documents.get(finding.file)
        line = document.line_of(finding.path) if document else 1
        return Problem(finding.file, line, finding.text, finding.mend)

    def say(self, file: str, path: KeyPath, text: str, mend: str) -> None:
        """Keep a problem at a key of a file."""
        self.problems.append(self.located(Finding(file, path, text, mend)))

    def document(self, file: str, *, optional: bool = False) -> Document | None:
        """One TOML file; None when it cannot be read, or is `optional` and not there."""
        if optional and not (self.folder / file).exists():
            return None
        return self._kept(read(self.folder, file, self.problems))

    def notice(self, file: str) -> Document | None:
        """A text with its front matter (see `documents.read_notice`); None when it cannot be read."""
        return self._kept(read_notice(self.folder, file, self.problems))

    def _kept(self, document: Document | None) -> Document | None:
        if document is not None:
            self.documents[document.file] = document
        return document

    def table(self, file: str, model: type[M], *, optional: bool = False) -> dict[str, M]:
        """A file of tables, each named by its id: those that could be read."""
        document = self.document(file, optional=optional)
        found: dict[str, M] = {}
        for name, values in (document.data if document else {}).items():
            if document is None or not isinstance(values, dict):
                self.say(file, (name,), f"`{name}` stands outside every table", "put it under a [name]")
            elif (made := self.named(model, document, (name,), name)) is not None:
                found[name] = made
        return found

    def named(
        self,
        model: type[M],
        document: Document | None,
        at: KeyPath,
        name: str | None,
        derived: Mapping[str, Any] | None = None,
    ) -> M | None:
        """The table at `at` as a value; its id is `name`, and it may set neither that nor what is `derived`."""
        if document is None:
            return None
        values: Any = document.data
        for step in at:
            values = values[step]
        known = dict(derived or {})
        if name is not None:
            known["id"] = name
            try:
                _NAME.validate_python(name)
            except ValidationError:
                said = f"`{name}` is not a name"
                self.say(document.file, at, said, "use a to z, 0 to 9, - and _, beginning with a letter")
                return None
        for key in [key for key in values if key in known]:
            self.say(document.file, (*at, key), f"`{key}` is not set here", "take it out")
            return None
        return self.validated(model, document, at, {**values, **known}, frozenset(known))

    def rules(self, document: Document | None, key: str) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
        """Each `[[key]]` of a document with its place; anything else under that key is a problem."""
        if document is None:
            return
        said = document.data.get(key, [])
        for index, values in enumerate(said if isinstance(said, list) else (None,)):
            if isinstance(values, dict):
                yield (key, index), values
            else:
                self.say(document.file, (key,), f"`{key}` is not a list of tables", f"write [[{key}]]")

    def only(self, document: Document | None, keys: tuple[str, ...]) -> None:
        """Refuse every key at the top of a document that is not one of these."""
        if document is None:
            return
        for key, value in document.data.items():
            if key not in keys:
                meant = nearest(key, keys)
                mend = f"did you mean `{meant}`?" if meant else f"the keys are {', '.join(keys)}"
                at: KeyPath = (key, 0) if isinstance(value, list) else (key,)
                self.say(document.file, at, f"unknown key `{key}`", mend)

    def validated(
        self,
        model: type[M],
        document: Document,
        at: KeyPath,
        values: Mapping[str, Any],
        derived: frozenset[str] = frozenset(),
    ) -> M | None:
        """`values` as a value of the model; None, and a problem for each key that is wrong, when they are not."""
        try:
            return model.model_validate(values)
        except ValidationError as error:
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
                said = _MISSING_IN_LAW.get(key, (f"`{key}` is missing", "add it"))
                yield Problem(document.file, line, *said)
        elif detail["type"] != "extra_forbidden":
            message = (
                detail["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
            )
            yield Problem(document.file, line, f"`{key}` {message}" if key else message, "correct the value")
