"""Tables as commands describe them; what draws them is imported when one is printed."""

from collections.abc import Iterable
from typing import Any


class Table:
    """Headings and rows; the options are those of `rich.table.Table`, which it becomes when it is printed."""

    def __init__(self, *headings: str, **options: Any) -> None:
        self._options = options
        self._columns: list[tuple[str, dict[str, Any]]] = [(heading, {}) for heading in headings]
        self._rows: list[tuple[str, ...]] = []

    def add_column(self, heading: str, **options: Any) -> None:
        """One more column."""
        self._columns.append((heading, options))

    def add_row(self, *cells: str) -> None:
        """One more row, in the order of the columns."""
        self._rows.append(cells)

    def __rich__(self) -> Any:
        from rich import table

        drawn = table.Table(**self._options)
        for heading, options in self._columns:
            drawn.add_column(heading, **options)
        for cells in self._rows:
            drawn.add_row(*cells)
        return drawn


class Tables:
    """Several, one below the other."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables = tuple(tables)

    def __rich__(self) -> Any:
        from rich.console import Group

        return Group(*self._tables)
