"""Writes docs/reference/problems.md: every code with which anything is refused, collected from the source."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from registry.kit.http.problems import _TITLES
from tests.docs.law_report import ROOT

_CODE = re.compile(r"[a-z_]+\.[a-z_]+")

# Status and exit code by class of refusal; a subclass that says otherwise is read from the source.
_BASES = {
    "Refused": (409, 1),
    "Misuse": (400, 2),
    "Unauthenticated": (401, 1),
    "Forbidden": (403, 1),
    "NotFound": (404, 1),
    "Unavailable": (503, 1),
}

_HEAD = """# Problems

Written by `make docs` from the source; do not edit. Every refusal has a code, `noun.state`, that stays for ever.

Over HTTP it is `application/problem+json` (RFC 9457): `type` (`urn:zgoda:problem:CODE`), `status`, `title`, `code`,
`detail`, `request_id`, and where they help `field` (a JSON pointer into the body, or a header), `mend` (what to do)
and `errors` (each wrong field). On the command line it is `zgoda: CODE: FIELD: detail (mend)`, where FIELD is
the option or argument at fault as it is typed, left out where the words name it. Neither repeats a value that came
in, for it may be personal. A refusal changed nothing.

`…` stands for what differs from case to case.

| code | HTTP | exit | says |
|---|---|---|---|
"""


@dataclass(slots=True)
class Problem:
    """One code: the statuses and exit codes that it comes with, and the first sentence found for it."""

    code: str
    statuses: set[int] = field(default_factory=set)
    exits: set[int] = field(default_factory=set)
    detail: str = ""


def problems() -> dict[str, Problem]:
    """Every code in registry/, by code."""
    modules = [ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / "registry").rglob("*.py"))]
    known = _classes(modules)
    found: dict[str, Problem] = {}
    for module in modules:
        for code, status, leaving, detail in (*_told(module, known), *_told_by_helpers(module, known)):
            if not _CODE.fullmatch(code):
                continue
            problem = found.setdefault(code, Problem(code))
            problem.statuses.add(status)
            problem.exits.add(leaving)
            problem.detail = problem.detail or detail
    for status, (code, detail, _) in _TITLES.items():
        found.setdefault(code, Problem(code, detail=detail)).statuses.add(status)
    return dict(sorted(found.items()))


def report() -> str:
    """The text of docs/reference/problems.md."""
    rows = [
        f"| `{one.code}` | {_all(one.statuses)} | {_all(one.exits) or '-'} | {one.detail.replace('|', '/') or '…'} |"
        for one in problems().values()
    ]
    return _HEAD + "\n".join(rows) + "\n"


def _all(numbers: set[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


def _classes(modules: list[ast.Module]) -> dict[str, tuple[int, int]]:
    """Status and exit code of every class of refusal."""
    known = dict(_BASES)
    classes = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    for _ in range(3):  # a class may be read before the one that it is made of
        for node in classes:
            bases = [base.id for base in node.bases if isinstance(base, ast.Name) and base.id in known]
            if bases and node.name not in _BASES:
                status, leaving = known[bases[0]]
                known[node.name] = (_set_to(node, "status", status), _set_to(node, "exit_code", leaving))
    return known


def _set_to(node: ast.ClassDef, name: str, otherwise: int) -> int:
    for statement in node.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Constant):
            continue
        if any(isinstance(target, ast.Name) and target.id == name for target in statement.targets):
            return int(str(statement.value.value))
    return otherwise


def _told(module: ast.Module, known: dict[str, tuple[int, int]]) -> Iterator[tuple[str, int, int, str]]:
    for node, inside in _calls(module, None):
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if isinstance(node.func, ast.Attribute) and node.func.attr == "__init__":
            name = inside  # super().__init__("code", ...) in a class of its own
        if name not in known or len(node.args) < 2 or not isinstance(node.args[0], ast.Constant):
            if name == "Problem" and (told := _problem(node)):
                yield told
            continue
        status, leaving = known[name]
        for keyword in node.keywords:
            if keyword.arg == "status" and isinstance(keyword.value, ast.Constant):
                status = int(str(keyword.value.value))
        yield str(node.args[0].value), status, leaving, _text(node.args[1])


def _problem(node: ast.Call) -> tuple[str, int, int, str] | None:
    """A problem document written out: `Problem(503, "title", "code", "detail")` or by keyword."""
    told = dict(zip(("status", "title", "code", "detail"), node.args, strict=False))
    told |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    status, code = told.get("status"), told.get("code")
    if not isinstance(status, ast.Constant) or not isinstance(code, ast.Constant):
        return None
    return str(code.value), int(str(status.value)), 1, _text(told["detail"])


def _told_by_helpers(
    module: ast.Module, known: dict[str, tuple[int, int]]
) -> Iterator[tuple[str, int, int, str]]:
    """Codes that a function of the same module is handed, and puts into a refusal."""
    made: dict[str, tuple[int, int, str]] = {}
    for function in ast.walk(module):
        if not isinstance(function, ast.FunctionDef) or not function.args.args:
            continue
        first = function.args.args[0].arg
        texts = {
            target.id: _text(statement.value)
            for statement in ast.walk(function)
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
        for call, _ in _calls(function, None):
            if isinstance(call.func, ast.Name) and call.func.id in known and len(call.args) > 1:
                code, said = call.args[0], call.args[1]
                if isinstance(code, ast.Name) and code.id == first:
                    text = texts.get(said.id, "") if isinstance(said, ast.Name) else _text(said)
                    made[function.name] = (*known[call.func.id], text)
    for call, _ in _calls(module, None):
        if not isinstance(call.func, ast.Name) or call.func.id not in made or not call.args:
            continue
        if isinstance(call.args[0], ast.Constant):
            yield str(call.args[0].value), *made[call.func.id]


def _calls(node: ast.AST, inside: str | None) -> Iterator[tuple[ast.Call, str | None]]:
    """Every call with the class around it."""
    for child in ast.iter_child_nodes(node):
        around = child.name if isinstance(child, ast.ClassDef) else inside
        if isinstance(child, ast.Call):
            yield child, around
        yield from _calls(child, around)


def _text(node: ast.expr) -> str:
    """A sentence with `…` where it is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""
