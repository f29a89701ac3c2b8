"""Every worked case of every purpose, through the fold and the rules that answer live questions."""

from pathlib import Path

import pytest

from registry.gate import cases as gate_cases
from registry.gate import rules
from registry.kit.shipped import folder as shipped_folder
from registry.policy import cases, loader
from registry.policy.cases import Case
from registry.policy.documents import PolicyInvalid
from tests.policy.folders import copied, line_of, replace

FOLDER = shipped_folder("policies")
POLICIES = loader.load(FOLDER)
ALL = [(purpose, case) for purpose in sorted(POLICIES.purposes) for case in cases.load(FOLDER, purpose)]


def _marked() -> list[object]:
    return [
        pytest.param(
            purpose, case, id=f"{purpose}: {case.name}", marks=[pytest.mark.law(law) for law in case.law]
        )
        for purpose, case in ALL
    ]


@pytest.mark.parametrize(("purpose", "case"), _marked())
def test_the_case_comes_out_as_written(purpose: str, case: Case) -> None:
    assert gate_cases.play(POLICIES, purpose, case) == []


def test_a_case_with_another_expected_answer_fails() -> None:
    for purpose, case in ALL:
        other = "consent.missing" if case.expect.reason != "consent.missing" else "permit"
        wrong = case.model_copy(update={"expect": case.expect.model_copy(update={"reason": other})})
        assert gate_cases.play(POLICIES, purpose, wrong) != [], case.name


def test_every_marketing_purpose_has_at_least_ten_cases() -> None:
    for name, purpose in POLICIES.purposes.items():
        number = len([case for of, case in ALL if of == name])
        assert number >= (10 if purpose.is_marketing else 5), name


def test_every_reason_that_a_rule_gives_has_a_case() -> None:
    given = {rule.reason for purpose in POLICIES.purposes.values() for rule in rules.table(purpose)}
    shown = {case.expect.reason for _, case in ALL}
    assert given - shown == set()


def test_names_of_cases_are_unique_within_a_purpose() -> None:
    names = [(purpose, case.name) for purpose, case in ALL]
    assert len(names) == len(set(names))


def test_a_case_that_cannot_be_read_is_named_with_its_line(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    file = "purposes/request-answers/cases.toml"
    replace(folder, file, "addresses = {}", "adresses = {}")
    with pytest.raises(PolicyInvalid) as refused:
        cases.load(folder, "request-answers")
    assert refused.value.problems[0].line == line_of(folder, file, "adresses")


def test_entries_out_of_order_are_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    replace(
        folder,
        "purposes/club-letter/cases.toml",
        "acted_at = 2026-05-01T09:00:00Z",
        "acted_at = 2026-05-02T09:00:00Z",
    )
    with pytest.raises(PolicyInvalid, match=r"policy\.invalid"):
        cases.load(folder, "club-letter")
