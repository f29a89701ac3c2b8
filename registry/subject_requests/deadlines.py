"""Until when a request of a person is to be answered (GDPR art. 12(3)). Pure."""

from calendar import monthrange
from datetime import date


def one_month(received: date) -> date:
    """The same date of the next month, or its last day where there is none (Regulation 1182/71 art. 3(2)(c)).

    Where that is a holiday or a weekend the law gives until the next working day; this does not, so what keeps to it
    is never late.
    """
    year, month = (received.year + 1, 1) if received.month == 12 else (received.year, received.month + 1)
    return date(year, month, min(received.day, monthrange(year, month)[1]))
