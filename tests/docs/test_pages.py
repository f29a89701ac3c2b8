"""Pages lead where they say, and hold nothing of the machine that they were written on."""

import re
from pathlib import Path

import pytest

from tests.docs.law_report import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
# Where somebody works is nobody's business, and whence packages come is the installer's.
_FOREIGN = re.compile(
    r"/(?:home|root|Users|work|mnt|srv)/\w|/tmp/|\b(?:pypi|npmjs|rubygems|dockerhub)\b|\bregistry\.\w+\.(?:com|org)\b",
    re.IGNORECASE,
)


def anchors(text: str) -> set[str]:
    """Headings as they are linked to."""
    heads = re.findall(r"^#+ (.+)$", _FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    text = _CODE.sub("", _FENCED.sub("", path.read_text("utf-8")))
    for target in _LINK.findall(text):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{path.name}: {target}"
        if anchor:
            assert anchor in anchors(there.read_text("utf-8")), f"{path.name}: {target}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_of_a_machine_or_a_package_index_stands_in_a_page(path: Path) -> None:
    assert _FOREIGN.findall(path.read_text("utf-8")) == []


def test_every_page_is_reached_from_the_first_one() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        for target in _LINK.findall(_FENCED.sub("", path.read_text("utf-8"))):
            there = (path.parent / target.partition("#")[0]).resolve()
            if there.is_file():
                waiting.append(there)
    assert {page for page in PAGES if page not in reached} <= {ROOT / "CHANGELOG.md"}


def test_pictures_say_what_they_show_and_are_read_in_the_dark() -> None:
    for path in sorted((ROOT / "docs").rglob("*.svg")):
        text = path.read_text("utf-8")
        assert "<title" in text, path
        assert "<desc" in text, path
        assert "prefers-color-scheme: dark" in text, path
