"""The benchmark programme prints what it promises; how fast anything is, no test can say."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.benchmarks.figures import Figure, Goal, against, table

ROOT = Path(__file__).parents[2]
MEASURED = {
    "one check over HTTP": True,
    "coalesced checks in process": True,
    "decisions in process": False,
    "200 checks a POST": True,
    "bulk gate over 5,000 contacts, counts": True,
    "bulk gate over 5,000 contacts, with members": True,
    "5 % of 5,000 contacts": True,
    "policy diff over 5,000 contacts": True,
    "grant, 8 writers": True,
    "withdrawal, 8 writers": True,
    "import of ": True,
    "import: resident memory": True,
    "hand-offs to the SMTP sink": True,
    "withdrawal under 50 senders": True,
}


async def test_prints_every_figure_with_its_limit_and_its_goal() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks", "--quick", "--json",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-3000:]
    told = json.loads(out)
    assert set(told) == {"machine", "quick", "figures"}
    assert told["quick"] is True
    assert {"cores", "memory_gb", "postgresql", "python"} <= set(told["machine"])
    figures = told["figures"]
    assert len(figures) == len(MEASURED)
    for figure, beginning in zip(figures, MEASURED, strict=True):
        assert figure["name"].startswith(beginning)
        assert figure["value"] > 0
        if figure["limit"] is not None:
            assert figure["ratio"] > 0
        assert bool(figure["goal"]) is MEASURED[beginning]


@pytest.mark.parametrize(
    ("goal", "value", "ratio", "verdict"),
    [
        (Goal(100), 120, None, "reached"),
        (Goal(100), 80, None, "20% short"),
        (Goal(300, most=True), 330, None, "10% over"),
        (Goal(300, most=True), 122, None, "reached"),
        (Goal(0.4, of_ratio=True), 5, 0.5, "reached"),
        (Goal(0.4, of_ratio=True), 5, 0.3, "25% short"),
        (Goal(0.4, of_ratio=True), 5, 0.398, "0.5% short"),
    ],
)
def test_says_by_how_much_a_goal_is_missed(goal, value, ratio, verdict) -> None:
    assert Figure("something", value, "things/s", ratio=ratio, goal=goal).verdict == verdict


async def test_takes_turns_and_the_median_of_the_rounds_ratios() -> None:
    order: list[str] = []
    values, limits = iter([10.0, 30.0, 20.0]), iter([100.0, 100.0, 400.0])

    async def measured() -> float:
        order.append("measured")
        return next(values)

    async def limit() -> float:
        order.append("limit")
        return next(limits)

    figure = await against("name", "things/s", measured, "others/s", limit, rounds=3)
    assert (figure.value, figure.limit, figure.ratio) == (20, 100, 0.1)
    assert order == ["limit", "measured", "measured", "limit", "limit", "measured"]


def test_a_table_has_a_line_for_each_figure_and_its_note_below() -> None:
    lines = table(
        [Figure("a thing", 1234.5, "things/s", 5000, "at most", 0.25, Goal(2000), "a note")]
    ).splitlines()
    for cell in ("1,234 things/s", "5,000 at most", "0.25", "≥ 2,000", "38% short"):
        assert cell in lines[2]
    assert lines[-1] == "a thing: a note"
