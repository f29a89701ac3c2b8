"""The reference says all there is and nothing else: each page is held to the code that it is about."""

import ast
import json
import re
import tomllib
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from registry import __version__
from registry.app import area_routers, healthz, readyz
from registry.cli import zgoda
from registry.consents.ledger import EntryKind
from registry.consents.validation import VALID_ACTS
from registry.exchange.mapping import Attested, Columns, FileForm, Mapping, Status
from registry.gate import rules
from registry.gate.reasons import MENDS, TEXTS
from registry.kit.errors import Misuse, Refused
from registry.kit.http.openapi import document
from registry.policy import cases, collection, model
from registry.policy.model import Grade
from registry.subject_requests.catalogue import IMPERSONAL, PERSONAL
from tests.docs.generate import PAGES
from tests.docs.law_report import PROMISED, ROOT, catalogue, showings

REFERENCE = ROOT / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


def rows(text: str) -> Iterator[list[str]]:
    """The rows of all tables on a page, without their heads."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("|--"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]


def quoted(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


@pytest.mark.parametrize("place", PAGES)
def test_a_written_page_is_current(place: str) -> None:
    current = (ROOT / place).read_text("utf-8") == PAGES[place]()
    assert current, f"{place} is not what the code says now: make docs"


def _exit_codes() -> set[int]:
    """What commands end with, by their source: the numbers that one which tells an int returns."""
    found = set()
    for file in sorted((ROOT / "registry").rglob("*commands.py")):
        for command in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(command, ast.AsyncFunctionDef) and ast.unparse(command.returns or command) == "int":
                told = (node for node in ast.walk(command) if isinstance(node, ast.Return))
                numbers = (one for node in told for one in ast.walk(node) if isinstance(one, ast.Constant))
                found |= {one.value for one in numbers if type(one.value) is int}
    return found


def test_every_exit_code_is_told_by_the_table_and_by_the_help() -> None:
    told = {int(row[0]) for row in rows(page("commands.md")) if row[0].isdecimal()}
    helped = {int(code) for code in re.findall(r"\b\d+\b", (zgoda.help or "").partition("Exit codes:")[2])}
    assert told == helped == {*_exit_codes(), Refused.exit_code, Misuse.exit_code, 130}


def test_every_promised_property_has_a_test() -> None:
    shown = {one.law for one in showings()}
    assert [law for law in PROMISED if law not in shown] == []
    assert set(PROMISED) <= set(catalogue())


def test_every_reason_is_told_with_its_sentence_and_mend_and_in_the_order_of_the_rules() -> None:
    told = {row[0].strip("`"): row for row in rows(page("reasons.md")) if row[0].startswith("`")}
    assert set(told) == set(TEXTS) - {"permit"} == set(MENDS)
    for reason, row in told.items():
        assert TEXTS[reason] in row, reason
        assert MENDS[reason] in row, reason
    for rule in rules.all_rules():
        outcome, classes, articles = told[rule.reason][1:4]
        assert outcome == ("defer" if rule.reason in rules.DEFERRING else "deny")
        assert rule.article in articles
        assert classes == "all" or {one.value for one in rule.classes} <= set(classes.split(", "))
    order = [row[0].strip("`") for row in rows(page("reasons.md")) if row[0].strip("`") in rules.CODES]
    assert order == list(rules.ORDER)


def test_every_kind_grade_and_act_of_the_ledger_is_told() -> None:
    told = list(rows(page("ledger.md")))
    for kind in EntryKind:
        assert any(row[:2] == [f"`{kind.name.lower()}`", str(kind.value)] for row in told), kind
    assert {grade.name.lower() for grade in Grade} | set(VALID_ACTS) <= quoted(page("ledger.md"))


def test_every_key_of_a_mapping_is_told() -> None:
    keys = {key for table in (Mapping, Columns, Attested, Status, FileForm) for key in table.model_fields}
    keys -= {"columns", "fields", "attested", "status", "file"}
    assert keys - quoted(page("import-mapping.md")) == set()


def test_every_key_of_the_policies_is_told() -> None:
    files: list[type[BaseModel]] = [
        model.Controller, model.Purpose, model.Notice, model.Channel, model.ContactField, model.Recipient,
        model.Retention, model.RolePolicy, cases.Case, cases.CaseContact, cases.CaseAddress, cases.CaseEntry,
        cases.CaseGround, cases.Expected, collection.CollectionPoint, collection.Control, collection.Option,
        collection.PointText,
    ]  # fmt: skip
    told = quoted(page("policies.md"))
    flat = told | {part for text in told for part in re.split(r"[^a-z_]+", text)}
    for one in files:
        keys = {field.alias or name for name, field in one.model_fields.items()}
        assert keys - flat - {"body", "line", "purpose", "point", "texts"} == set(), one.__name__


def test_every_role_and_action_is_told() -> None:
    roles = tomllib.loads((ROOT / "policies" / "roles.toml").read_text("utf-8"))
    told = {row[0].strip("`"): row[1:] for row in rows(page("roles.md")) if row[0].startswith("`")}
    actions = {action for role in roles.values() for action in role["actions"]}
    assert set(told) == set(roles) | actions
    for action in actions:
        holders = [bool(cell.strip()) for cell in told[action]]
        assert holders == [action in role["actions"] for role in roles.values()], action


def test_every_table_is_told() -> None:
    told = {name for row in rows(page("tables.md")) for name in quoted(row[0])} - {
        "zgoda_app",
        "zgoda_retention",
    }
    assert told == set(PERSONAL) | set(IMPERSONAL)


def test_every_route_is_told() -> None:
    paths = json.loads(document([healthz, readyz, *area_routers()], "Zgoda", __version__))["paths"]
    text = page("http.md")
    for path, methods in paths.items():
        for method in set(methods) & {"get", "post"}:
            assert f"{method.upper()} {path}" in text, path


def test_every_action_of_the_log_is_told() -> None:
    told = quoted(page("audit-log.md"))
    assert set(_actions()) - told == set()


def _actions() -> Iterator[str]:
    """Action tags where the source hands them to the log."""
    tag = re.compile(r"[a-z]+\.[a-z_]+")
    for path in (ROOT / "registry").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                if name in {"append", "build", "Draft"}:
                    words = (arg.value for arg in node.args if isinstance(arg, ast.Constant))
                    yield from (str(word) for word in words if tag.fullmatch(str(word)))
