"""Numbers and days that nobody could reckon with, and texts that say nothing, are refused where they stand."""

import re
from pathlib import Path

import pytest

from registry.policy import cases, loader
from registry.policy.balancing import BalancingTest
from registry.policy.documents import PolicyInvalid
from tests.policy.folders import NEWSLETTER, only, problems, replace

UPDATES = "purposes/product-updates/policy.toml"
ANSWERS = "purposes/request-answers/policy.toml"
HUGE = "99999999999"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (NEWSLETTER, 'basis = "consent"', f'basis = "consent"\nvalid_for_days = {HUGE}'),
        (NEWSLETTER, 'basis = "consent"', f'basis = "consent"\ninactive_after_days = {HUGE}'),
        (NEWSLETTER, 'basis = "consent"', f'basis = "consent"\nconfirm_within_days = {HUGE}'),
        (NEWSLETTER, 'basis = "consent"', f'basis = "consent"\nleast_notice_version = {HUGE}'),
        ("lists.toml", "fresh_for_days = 31", f"fresh_for_days = {HUGE}"),
        ("retention.toml", "term_days = 30", f"term_days = {HUGE}"),
        ("retention.toml", "term_days = 30", "term_days = -1"),
        ("schedule.toml", "messages = 30", f"messages = {HUGE}"),
        ("schedule.toml", "days = 30", f"days = {HUGE}"),
        ("balancing.toml", "review_by = 2031-01-12", "review_by = 9999-12-31"),
        ("balancing.toml", "signed_on = 2026-01-12", "signed_on = 0001-01-01"),
        ("ages.toml", "since = 2024-01-01", "since = 9999-12-31"),
        ("eprivacy.toml", "since = 2021-11-01", "since = 9999-12-31"),
        ("fields.toml", "max_length = 200", f"max_length = {HUGE}"),
    ],
)
def test_a_number_or_a_day_out_of_reach_is_refused_with_its_line(
    folder: Path, file: str, old: str, new: str
) -> None:
    replace(folder, file, old, new)
    problem = only(folder)
    said = new.splitlines()[-1]
    key = said.partition(" ")[0]
    assert problem.file == file
    assert (folder / file).read_text("utf-8").splitlines()[problem.line - 1] == said
    assert f"`{key}` should be " in problem.text


def test_a_balancing_test_of_the_last_day_ends_without_an_error() -> None:
    (test,) = loader.load().balancing.values()
    said = test.model_dump(mode="json") | {"review_by": "2199-12-31"}
    assert BalancingTest.model_validate(said).ends_at.isoformat() == "2200-01-01T00:00:00+00:00"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_case_out_of_reach_is_refused_and_not_played(folder: Path, at: str) -> None:
    path = folder / "purposes/newsletter/cases.toml"
    path.write_text(
        f'[[case]]\nname = "one"\nat = {at}\nexpect = {{ outcome = "deny", reason = "consent.missing" }}\n',
        "utf-8",
    )
    with pytest.raises(PolicyInvalid) as refused:
        cases.load(folder, "newsletter")
    (problem,) = refused.value.problems
    assert (problem.file, problem.line) == ("purposes/newsletter/cases.toml", 3)


@pytest.mark.parametrize(
    ("file", "start", "blank"),
    [
        ("balancing.toml", "signed_by", '" "'),
        ("balancing.toml", "interest", f'"{" " * 40}"'),
        ("balancing.toml", "necessity", f'"{" " * 40}"'),
        ("balancing.toml", "balance", f'"{" " * 40}"'),
        ("balancing.toml", "safeguards", '[" "]'),
        (ANSWERS, "obligation", '" "'),
        (UPDATES, "similar_products", '[" "]'),
        ("recipients.toml", "contract", '" "'),
        ("controllers/nordwind.toml", "name", '"\\t"'),
        ("controllers/nordwind.toml", "address", '" "'),
        ("eprivacy.toml", "source", '" "'),
    ],
)
def test_spaces_are_no_text(folder: Path, file: str, start: str, blank: str) -> None:
    path = folder / file
    text = path.read_text("utf-8")
    value = r'("""[\s\S]*?"""|\[[^\]]*\]|"[^"]*")'
    path.write_text(
        re.sub(rf"(?m)^{start} = {value}", lambda _: f"{start} = {blank}", text, count=1), "utf-8"
    )
    assert path.read_text("utf-8") != text
    (problem, *more) = problems(folder)
    assert problem.file == file
    assert path.read_text("utf-8").splitlines()[problem.line - 1].startswith(f"{start} = ")
    assert "should have at least" in problem.text
    assert {(other.file, other.line) for other in more} <= {(problem.file, problem.line)}
