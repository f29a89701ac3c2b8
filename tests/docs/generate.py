"""`make docs`: writes the pages that are made from the code, each at its place under docs/."""

from collections.abc import Callable

from tests.docs import command_reference, law_report, problem_reference, reason_reference, role_reference
from tests.docs.law_report import ROOT

PAGES: dict[str, Callable[[], str]] = {
    "docs/law.md": law_report.report,
    "docs/reference/commands.md": command_reference.report,
    "docs/reference/problems.md": problem_reference.report,
    "docs/reference/reasons.md": reason_reference.report,
    "docs/reference/roles.md": role_reference.report,
}


def main() -> None:
    """Write every page."""
    for place, report in PAGES.items():
        (ROOT / place).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / place).write_text(report(), "utf-8")


if __name__ == "__main__":
    main()
