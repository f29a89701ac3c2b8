"""Reads `collection/<point>/`: the form of each version, and beside it what is told in every language."""

import re
from collections.abc import Iterator
from pathlib import Path

from registry.policy.collection import CollectionPoint, PointText
from registry.policy.model import PolicySet
from registry.policy.reader import Reader

_POINT_FILE = re.compile(r"^point(?:\.(\d+))?\.toml$")
_TEXT_FILE = re.compile(r"^text\.([a-z]{2})(?:\.(\d+))?\.md$")


def load_points(reader: Reader, policies: PolicySet) -> dict[str, tuple[CollectionPoint, ...]]:
    """Every version of every point, the current one last; what cannot be read is a problem of the reader."""
    found: dict[str, tuple[CollectionPoint, ...]] = {}
    for path in sorted(reader.folder.glob("collection/*/")):
        if not path.is_dir() or path.name.startswith((".", "_")):
            continue
        texts = list(_texts(reader, path))
        versions = list(_versions(reader, path, texts))
        known = {point.version for point in versions}
        for file, text in texts:
            if versions and text.version not in known:
                said = f"the form has no version {text.version}"
                reader.say(file, ("version",), said, f"one of {', '.join(map(str, sorted(known)))}")
        if versions:
            found[path.name] = tuple(sorted(versions, key=lambda point: point.version))
    return found


def point_file(point: CollectionPoint, current: int) -> str:
    """Where a version's form lies: earlier ones stay beside the one in use, with their number in the name."""
    number = "" if point.version == current else f".{point.version}"
    return f"collection/{point.id}/point{number}.toml"


def text_file(point: CollectionPoint, locale: str, current: int) -> str:
    """Where a version's text in one language lies."""
    number = "" if point.version == current else f".{point.version}"
    return f"collection/{point.id}/text.{locale}{number}.md"


def _versions(reader: Reader, folder: Path, texts: list[tuple[str, PointText]]) -> Iterator[CollectionPoint]:
    if not (folder / "point.toml").exists():
        said = "the form in use is missing"
        reader.say(f"collection/{folder.name}/point.toml", (), said, "write point.toml")
        return
    newest, newest_file = 0, ""
    for path in sorted(folder.glob("*.toml")):
        file = f"collection/{folder.name}/{path.name}"
        name = _POINT_FILE.match(path.name)
        if name is None:
            reader.say(file, (), "not the name of a form", "call it point.toml or point.<version>.toml")
            continue
        document = reader.document(file)
        version = document.data.get("version") if document else None
        own = tuple(text for _, text in texts if text.version == version)
        point = reader.named(CollectionPoint, document, (), folder.name, {"texts": own})
        if point is None:
            continue
        if name[1] is not None and point.version != int(name[1]):
            reader.say(file, ("version",), f"says version {point.version}", f"write version = {name[1]}")
        if point.version == newest:
            reader.say(file, ("version",), f"version {newest} is there twice", "keep one of them")
        if point.version > newest:
            newest, newest_file = point.version, file
        yield point
    if newest_file and not newest_file.endswith("/point.toml"):
        said = f"version {newest} is later than the one in use"
        reader.say(newest_file, ("version",), said, "call the latest version point.toml")


def _texts(reader: Reader, folder: Path) -> Iterator[tuple[str, PointText]]:
    seen: set[tuple[int, str]] = set()
    for path in sorted(folder.glob("*.md")):
        file = f"collection/{folder.name}/{path.name}"
        name = _TEXT_FILE.match(path.name)
        if name is None:
            reader.say(file, (), "not the name of a form's text", "call it text.<locale>.md")
            continue
        document = reader.notice(file)
        if document is None:
            continue
        known = {"point": folder.name, "body": document.body}
        text = reader.named(PointText, document, (), None, known)
        if text is None:
            continue
        if text.locale != name[1]:
            reader.say(file, ("locale",), f"says locale {text.locale}", f'write locale = "{name[1]}"')
        if name[2] is not None and text.version != int(name[2]):
            reader.say(file, ("version",), f"says version {text.version}", f"write version = {name[2]}")
        if (text.version, text.locale) in seen:
            said = f"version {text.version} in {text.locale} is there twice"
            reader.say(file, ("version",), said, "keep one of them")
            continue
        seen.add((text.version, text.locale))
        yield file, text
