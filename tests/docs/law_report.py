"""Finds which tests show which property of the law: from the marks in the tests and in the policies' worked cases."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CATALOGUE = Path(__file__).with_name("law.toml")

# The properties that this version promises to show.
PROMISED = (
    *("LP-01", "LP-02", "LP-04", "LP-05", "LP-07", "LP-08", "LP-11", "LP-12", "LP-15", "LP-16", "LP-18"),
    *("LP-19", "LP-21", "LP-22", "LP-23", "LP-24", "LP-26", "LP-28", "LP-29", "LP-30", "LP-32", "LP-33"),
    *("LP-34", "LP-35", "LP-36", "LP-44", "LP-45", "LP-61"),
)


@dataclass(frozen=True, slots=True, order=True)
class Showing:
    """A test, or a worked case that a test plays; `file` is relative to the tree."""

    law: str
    file: str
    name: str


def catalogue() -> dict[str, dict[str, str]]:
    """Article and property by id."""
    return tomllib.loads(CATALOGUE.read_text("utf-8"))


def showings() -> list[Showing]:
    """Everything that shows a property, in order."""
    return sorted({*_tests(), *_cases()})


def _tests() -> Iterator[Showing]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        module = ast.parse(path.read_text("utf-8"))
        file = path.relative_to(ROOT).as_posix()
        for_all = [
            law
            for statement in module.body
            if isinstance(statement, ast.Assign) and _named(statement.targets[0]) == "pytestmark"
            for law in _laws(statement.value)
        ]
        for function in ast.walk(module):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if not function.name.startswith("test_"):
                continue
            own = [law for decorator in function.decorator_list for law in _laws(decorator)]
            for law in {*for_all, *own}:
                yield Showing(law, file, function.name.removeprefix("test_").replace("_", " "))


def _laws(node: ast.AST) -> Iterator[str]:
    """Ids in every `pytest.mark.law("LP-nn", ...)` inside a decorator, those of parameters included."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "law":
            yield from (str(arg.value) for arg in call.args if isinstance(arg, ast.Constant))


def _named(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _cases() -> Iterator[Showing]:
    for path in sorted((ROOT / "policies" / "purposes").glob("*/cases.toml")):
        for case in tomllib.loads(path.read_text("utf-8")).get("case", ()):
            for law in case.get("law", ()):
                yield Showing(law, path.relative_to(ROOT).as_posix(), case["name"])


def report() -> str:
    """The text of docs/law.md. KeyError names a mark whose property nobody wrote down in law.toml."""
    known = catalogue()
    shown: dict[str, list[Showing]] = {law: [] for law in known}
    for showing in showings():
        shown[showing.law].append(showing)
    lines = [
        "# What the law asks, and the tests that show it",
        "",
        "Written by `make docs` from the marks `@pytest.mark.law(...)` in the tests and `law = [...]` in the worked",
        "cases of the policies; do not edit. Articles are of Regulation (EU) 2016/679 (GDPR) unless named. A test",
        "shows a property on the examples that it tries; it is no legal advice.",
        "",
    ]
    for law, told in known.items():
        if found := shown[law]:
            lines += [f"## {law}: {_article(told['article'])}", "", told["property"], ""]
            lines += [f"- [{one.name}](../{one.file})" for one in found]
            lines.append("")
    if missing := [law for law in known if not shown[law]]:
        lines += ["## Known, and shown by no test yet", ""]
        lines += [
            f"- **{law}** ({_article(known[law]['article'])}): {known[law]['property']}" for law in missing
        ]
        lines.append("")
    return "\n".join(lines)


def _article(text: str) -> str:
    return f"art. {text}" if text[0].isdigit() else text
