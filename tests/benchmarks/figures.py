"""A measured figure with its limit and its goal, and how a run of them is printed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

Rate = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached: at least so much, or with `most` at most; of the value, or of the ratio."""

    number: float
    of_ratio: bool = False
    most: bool = False

    def shortfall(self, value: float, ratio: float | None) -> float:
        """The part of the goal that is missing, 0 when it is reached: 0.1 is a tenth short (or over)."""
        reached = ratio if self.of_ratio else value
        if reached is None:
            return 1.0
        missing = reached / self.number - 1 if self.most else 1 - reached / self.number
        return max(0.0, missing)

    def __str__(self) -> str:
        return f"{'≤' if self.most else '≥'} {_number(self.number)}{'' if not self.of_ratio else ' ×'}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: the median of what was measured, of the limit, and of their ratios round by round."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    limit_name: str = ""
    ratio: float | None = None
    goal: Goal | None = None
    note: str = ""

    @property
    def shortfall(self) -> float | None:
        return None if self.goal is None else self.goal.shortfall(self.value, self.ratio)

    @property
    def verdict(self) -> str:
        """`reached`, or by how much not; empty for what is only context."""
        missing = self.shortfall
        if missing is None or self.goal is None:
            return ""
        if not missing:
            return "reached"
        return f"{missing:.{0 if missing >= 0.01 else 1}%} {'over' if self.goal.most else 'short'}"

    def noted(self, note: str) -> "Figure":
        """The same with a remark."""
        return replace(self, note=note)

    def told(self) -> dict[str, Any]:
        """The figure as JSON."""
        goal = None if self.goal is None else asdict(self.goal)
        return {**asdict(self), "goal": goal, "shortfall": self.shortfall, "verdict": self.verdict}


async def against(
    name: str,
    unit: str,
    measured: Rate,
    limit_name: str,
    limit: Rate,
    *,
    rounds: int,
    goal: Goal | None = None,
    note: str = "",
) -> Figure:
    """Measure both in turns, each first in every other round; medians of each and of the rounds' ratios."""
    values, limits = [], []
    for number in range(rounds):
        if number % 2:
            values.append(await measured())
            limits.append(await limit())
        else:
            limits.append(await limit())
            values.append(await measured())
    ratios = [value / most for value, most in zip(values, limits, strict=True)]
    return Figure(name, median(values), unit, median(limits), limit_name, median(ratios), goal, note)


HEADINGS = ("what", "measured", "engine's own limit", "ratio", "goal", "")


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of aligned columns, notes below."""
    rows = [HEADINGS] + [
        (
            figure.name,
            f"{_number(figure.value)} {figure.unit}",
            "" if figure.limit is None else f"{_number(figure.limit)} {figure.limit_name}",
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            "" if figure.goal is None else str(figure.goal),
            figure.verdict,
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths).rstrip())
    notes = [f"{figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
