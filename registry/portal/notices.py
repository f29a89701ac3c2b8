"""A notice as a person reads it: its few marks become HTML, everything else is text. Pure."""

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from registry.policy.model import PolicySet, Purpose

_HEADING = re.compile(r"(#{1,4}) +(.+)")
_ITEM = re.compile(r"[-*] +(.+)")
_STRONG = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True, slots=True)
class Shown:
    """The text of a notice in one language; `version` and `locale` are what a grant records as shown."""

    version: int
    locale: str
    html: Markup


def shown(policies: PolicySet, purpose: Purpose, locale: str, level: int) -> Shown | None:
    """The notice in force, in `locale`, else in English or the purpose's own language; headings begin at `level`."""
    texts = {
        notice.locale: notice
        for notice in policies.notices.get(purpose.id, ())
        if notice.version == purpose.notice_version
    }
    known = (texts.get(one) for one in (locale, "en", purpose.default_locale, *texts))
    notice = next((one for one in known if one is not None), None)
    if notice is None:
        return None
    return Shown(notice.version, notice.locale, html(notice.body, level))


def html(text: str, level: int = 2) -> Markup:
    """Headings, paragraphs, lists and strong words of a notice's Markdown; markup in it is shown as it stands."""
    blocks: list[Markup] = []
    paragraph: list[str] = []
    items: list[str] = []

    def close() -> None:
        if paragraph:
            blocks.append(Markup("<p>{}</p>").format(_inline(" ".join(paragraph))))
            paragraph.clear()
        if items:
            blocks.append(Markup("<ul>{}</ul>").format(Markup("").join(map(_listed, items))))
            items.clear()

    for line in text.splitlines():
        if heading := _HEADING.fullmatch(line.strip()):
            close()
            depth = min(6, level + len(heading[1]) - 1)
            blocks.append(Markup("<h{0}>{1}</h{0}>").format(depth, _inline(heading[2])))
        elif item := _ITEM.fullmatch(line.strip()):
            if paragraph:
                close()
            items.append(item[1])
        elif not line.strip():
            close()
        elif items:
            items[-1] += f" {line.strip()}"
        else:
            paragraph.append(line.strip())
    close()
    return Markup("\n").join(blocks)


def _listed(item: str) -> Markup:
    return Markup("<li>{}</li>").format(_inline(item))


def _inline(text: str) -> Markup:
    return Markup(_STRONG.sub(r"<strong>\1</strong>", str(escape(text))))  # noqa: S704  # escaped first
