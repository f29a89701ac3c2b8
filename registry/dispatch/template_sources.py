"""Where the words of a template come from: a folder, one TOML file, or the body of a request."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import rfc8785

from registry.kit.errors import Misuse

PARTS = ("subject", "text", "html")
LARGEST = 300_000
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
# <locale>.subject, <locale>.txt and <locale>.html in a folder.
_FILES = {"subject": "subject", "text": "txt", "html": "html"}


@dataclass(frozen=True, slots=True)
class TemplateText:
    """One locale's sources."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """All locales of one template and the one that serves everybody else."""

    locales: Mapping[str, TemplateText]
    fallback: str

    def as_json(self) -> dict[str, Any]:
        """The form in which it is kept with the campaign and read by `from_json`."""
        return {
            "fallback": self.fallback,
            "locales": {
                locale: {part: getattr(text, part) for part in PARTS} for locale, text in self.locales.items()
            },
        }

    def digest(self) -> str:
        """SHA-256 of the canonical JSON (RFC 8785): the template's version."""
        return sha256(rfc8785.dumps(self.as_json())).hexdigest()

    def choose(self, locale: str) -> str:
        """The locale to write in to a person who asked for `locale`: that, its language, or the fallback."""
        if locale in self.locales:
            return locale
        language = locale.partition("-")[0].partition("_")[0]
        return language if language in self.locales else self.fallback


def from_json(data: object) -> TemplateSet:
    """Read `{"fallback": "en", "locales": {"en": {"subject": ..., "text": ..., "html": ...}}}`.

    Raises Misuse `template.invalid`, `template.part_missing`, `template.too_large`, `template.locale_missing`.
    """
    if not isinstance(data, dict) or not isinstance(data.get("locales"), dict):
        raise Misuse("template.invalid", "A template has `locales`, each with subject, text and html.")
    if unknown := sorted(set(data) - {"fallback", "locales", "hash"}):
        raise Misuse("template.invalid", f"A template has no {', '.join(map(str, unknown))}.")
    return _assemble(data["locales"], data.get("fallback"))


def from_path(path: Path, fallback: str | None = None) -> TemplateSet:
    """Read a folder (`<locale>.toml`, or `<locale>.subject`, `.txt` and `.html`) or one TOML file with a table
    for each locale. Raises Misuse `template.unreadable` besides those of `from_json`.
    """
    try:
        if path.is_dir():
            return _assemble(_folder(path), fallback)
        if path.suffix != ".toml" and path.with_suffix(".toml").is_file():
            path = path.with_suffix(".toml")
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misuse(
            "template.unreadable",
            f"The template {path.name} cannot be read: {unreadable(error)}.",
            field="template",
        ) from error
    own = data.pop("fallback", None)
    return _assemble(data, fallback or own)


def _folder(path: Path) -> dict[str, Any]:
    locales: dict[str, Any] = {}
    for file in sorted(path.iterdir()):
        locale, _, kind = file.name.partition(".")
        if kind == "toml":
            locales.setdefault(locale, {}).update(tomllib.loads(file.read_text("utf-8")))
        for part, suffix in _FILES.items():
            if kind == suffix:
                words = file.read_text("utf-8")
                locales.setdefault(locale, {})[part] = words.strip() if part == "subject" else words
    return locales


def _assemble(locales: Mapping[str, Any], fallback: object) -> TemplateSet:
    texts = {locale: _text(locale, parts) for locale, parts in locales.items()}
    if not texts:
        raise Misuse("template.locale_missing", "The template has no locale.", field="template")
    if fallback is None:
        fallback = "en" if "en" in texts else next(iter(texts)) if len(texts) == 1 else None
    if not isinstance(fallback, str) or fallback not in texts:
        raise Misuse(
            "template.locale_missing",
            "The template has no words in its fallback locale.",
            field="fallback",
            mend=f"there is {', '.join(sorted(texts))}",
        )
    return TemplateSet(texts, fallback)


def _text(locale: object, parts: object) -> TemplateText:
    if not isinstance(locale, str) or not _LOCALE.fullmatch(locale):
        raise Misuse("template.invalid", "A locale is written `en` or `pt-BR`.", field="template")
    if not isinstance(parts, dict) or any(not isinstance(words, str) for words in parts.values()):
        raise Misuse("template.invalid", f"{locale} is no table of texts.", field=locale)
    if unknown := sorted(set(parts) - set(PARTS)):
        raise Misuse("template.invalid", f"{locale} has no {', '.join(unknown)}.", field=locale)
    if missing := [part for part in PARTS if not parts.get(part, "").strip()]:
        raise Misuse("template.part_missing", f"{locale} lacks {', '.join(missing)}.", field=locale)
    if sum(map(len, parts.values())) > LARGEST:
        raise Misuse("template.too_large", f"{locale} has more than {LARGEST} characters.", field=locale)
    return TemplateText(**parts)


def unreadable(error: Exception) -> str:
    """Why a file cannot be read, in a few words that can stand in a sentence."""
    if isinstance(error, OSError):
        return (error.strerror or "no such file").lower()
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error).lower()
