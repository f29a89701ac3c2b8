"""What a notice must tell before anybody can consent to it (GDPR art. 4(11), 13; LP-07). Pure."""

import re
from collections import Counter
from collections.abc import Iterator

from registry.policy.documents import Finding, KeyPath, nearest
from registry.policy.model import EEA, Basis, Notice, PolicySet, Purpose

# What every notice tells (GDPR art. 13(1), (2)), and what it tells besides where it applies.
_ALWAYS = ("controller", "purpose", "basis", "data", "recipients", "retention", "rights")
_PART_TEXT = {
    "controller": "who the controller is (art. 13(1)(a))",
    "purpose": "the purpose (art. 13(1)(c))",
    "basis": "the legal basis (art. 13(1)(c))",
    "data": "the kinds of data",
    "recipients": "who receives the data (art. 13(1)(e))",
    "retention": "how long the data are kept (art. 13(2)(a))",
    "rights": "the rights of the person (art. 13(2)(b), (d))",
    "withdrawal": "the right to withdraw (art. 7(3), 13(2)(c))",
    "objection": "the right to object (art. 21(4))",
    "automated": "automated decisions (art. 13(2)(f))",
    "transfers": "transfers to third countries (art. 13(1)(f))",
}

# A dash under a heading tells nothing; no item of the article can be told in fewer words.
_WORDS = 3
_WORD = re.compile(r"[^\W_]+")

_Said = tuple[KeyPath, str, str]


def notice_file(notice: Notice, current: int | None) -> str:
    """Where a notice lies: earlier versions stay beside the one in use, with their number in the name."""
    number = "" if notice.version == current else f".{notice.version}"
    return f"purposes/{notice.purpose}/notice.{notice.locale}{number}.md"


def all_findings(policies: PolicySet) -> Iterator[Finding]:
    """What is wrong with the notices of every purpose."""
    for purpose in policies.purposes.values():
        yield from findings(policies, purpose)


def findings(policies: PolicySet, purpose: Purpose) -> Iterator[Finding]:
    """Languages that are missing, versions that disagree, and what each notice leaves out."""
    folder = f"purposes/{purpose.id}"
    notices = policies.notices.get(purpose.id, ())
    current = purpose.notice_version
    have = Counter((notice.version, notice.locale) for notice in notices)
    for locale in purpose.locales:
        if not have[current or 0, locale]:
            text = f"there is no notice in {locale}, a declared language"
            if any(notice.locale == locale for notice in notices):
                text = f"the notice in {locale} is older than version {current} in other languages"
            yield Finding(
                f"{folder}/policy.toml",
                ("locales",),
                text,
                f"write notice.{locale}.md, version {current or 1}",
            )
    material = max((notice.version for notice in notices if notice.change == "material"), default=0)
    if purpose.least_notice_version < material:
        text = (
            f"consents to versions before {material} lapsed with a material change, and"
            f" {purpose.least_notice_version} lets them count again (GDPR art. 4(11))"
        )
        yield Finding(
            f"{folder}/policy.toml",
            ("least_notice_version",),
            text,
            f"take it out, or write {material} at least",
        )
    changes: dict[int, str] = {}
    for notice in notices:
        file = notice_file(notice, current)
        if have[notice.version, notice.locale] > 1:
            text = f"version {notice.version} in {notice.locale} is there twice"
            yield Finding(file, ("version",), text, "keep one of them")
        if changes.setdefault(notice.version, notice.change) != notice.change:
            text = f"version {notice.version} is {notice.change} here and {changes[notice.version]} elsewhere"
            yield Finding(file, ("change",), text, "say the same in every language")
        # Nobody's consent rests on a text older than the last material change: it stays as it was shown.
        if notice.version >= purpose.least_notice_version:
            for path, text, mend in _notice(policies, purpose, notice):
                yield Finding(file, path, text, mend)


def required_parts(policies: PolicySet, purpose: Purpose) -> tuple[str, ...]:
    """What a notice of this purpose must tell (GDPR art. 13; law.md LP-07)."""
    parts = list(_ALWAYS)
    if purpose.basis is Basis.CONSENT:
        parts.append("withdrawal")
    if purpose.basis in (Basis.LEGITIMATE_INTERESTS, Basis.PUBLIC_TASK):
        parts.append("objection")
    if purpose.automated_decisions:
        parts.append("automated")
    countries = {
        policies.recipients[name].country for name in purpose.recipients if name in policies.recipients
    }
    if countries - EEA:
        parts.append("transfers")
    return tuple(parts)


def _notice(policies: PolicySet, purpose: Purpose, notice: Notice) -> Iterator[_Said]:
    sections = sections_of(notice.body)
    required = required_parts(policies, purpose)
    missing = [part for part in required if not tells(sections.get(notice.parts.get(part, ""), ""))]
    if missing:
        told = ", ".join(_PART_TEXT[part] for part in missing)
        mend = f"write a section on it and name its heading under [parts]: {', '.join(missing)}"
        yield ("parts",), f"the notice does not tell {told}", mend
    of_heading: dict[str, str] = {}
    for part, heading in notice.parts.items():
        if part in _PART_TEXT and (other := of_heading.setdefault(heading, part)) != part:
            # One section for two parts would hide that one of them is missing.
            yield (
                ("parts", part),
                f"`{part}` and `{other}` are told under one heading",
                "give each its own section",
            )
        if part not in _PART_TEXT:
            meant = nearest(part, tuple(_PART_TEXT))
            mend = f"did you mean `{meant}`?" if meant else f"known: {', '.join(_PART_TEXT)}"
            yield ("parts", part), f"unknown part `{part}`", mend
        elif part not in required and not sections.get(heading, ""):
            yield ("parts", part), f"no section has the heading of `{part}`", "write it, or take the part out"
    controller = policies.controllers.get(purpose.controller)
    who = sections.get(notice.parts.get("controller", ""), "")
    if who and controller and not (controller.name in who and controller.contact in who):
        text = f"the notice does not name {controller.name} and {controller.contact} (GDPR art. 13(1)(a))"
        yield ("parts", "controller"), text, "name the controller and its contact in that section"
    if untold := [kind for kind in purpose.data_kinds if kind not in notice.data]:
        text = f"the notice does not declare the data {', '.join(untold)}"
        yield ("data",), text, "tell of them and add them to `data`"


def tells(section: str) -> bool:
    """Whether a section can tell anything at all: a few words of it, of letters or figures."""
    return len(_WORD.findall(section)) >= _WORDS


def sections_of(text: str) -> dict[str, str]:
    """The text under each `## heading`, stripped."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("## "):
            lines = found.setdefault(line[3:].strip(), [])
        else:
            lines.append(line)
    return {heading: "\n".join(lines).strip() for heading, lines in found.items()}
