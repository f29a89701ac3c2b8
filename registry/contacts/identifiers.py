"""Identifiers in their normal forms: one for identity, a broader one for suppression. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum

from registry.kit.errors import Misuse


class Kind(IntEnum):
    """Kinds of identifiers; the numbers are stored and never change."""

    EMAIL = 1
    PHONE = 2
    EXTERNAL = 3
    DEVICE = 4
    LOYALTY = 5

    # As the number that it is, and not by name as enumerations are: looked up for every row of an import.
    __hash__ = int.__hash__

    @property
    def is_address(self) -> bool:
        """Addresses are lent: shared, recycled, given up. The others name one person for good."""
        return self in (Kind.EMAIL, Kind.PHONE)


class Mode(IntEnum):
    """How an identifier belongs to a person."""

    EXCLUSIVE = 0
    SHARED = 1
    ROLE = 2


# Mailboxes of an office and not of a person, by local part (RFC 2142 and the usual words of our four languages).
ROLE_LOCAL_PARTS = frozenset(
    {
        *("abuse", "admin", "billing", "contact", "hello", "help", "hostmaster", "info", "marketing", "noc"),
        *("office", "postmaster", "press", "sales", "security", "support", "webmaster"),
        *("biuro", "kadry", "kontakt", "ksiegowosc", "sekretariat", "sprzedaz", "birojs", "kontakty"),
    }
)

_ADDRESS_SHAPE = re.compile(r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
_OPAQUE_LIMIT = 200
# One provider's mailboxes under two names: a "no" under one holds under the other.
_SAME_MAILBOX = {"googlemail.com": "gmail.com"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # category Cc, whole


@dataclass(frozen=True, slots=True)
class Identifier:
    """`value` is the identity form; `broad` the form under which a "no" is remembered (case, dots, plus-tag)."""

    kind: Kind
    value: str
    broad: str

    # The value tells nearly all of them apart, and an import asks for it forty times a row.
    def __hash__(self) -> int:
        return hash(self.value)

    @property
    def is_role(self) -> bool:
        return self.kind is Kind.EMAIL and self.value.partition("@")[0].lower() in ROLE_LOCAL_PARTS


def normalise(kind: Kind, text: str, region: str | None = None) -> Identifier:
    """The identifier that `text` stands for; Misuse `identifier.invalid`, which never repeats the text.

    E-mail: IDNA domain, NFC local part, folded case. Phone: E.164, `region` for numbers without a country code.
    """
    text = unicodedata.normalize("NFC", text.strip())
    if not text or len(text) > 320 or _CONTROL.search(text):
        raise _invalid(kind)
    if kind is Kind.EMAIL:
        return _email(text)
    if kind is Kind.PHONE:
        return _phone(text, region)
    if len(text) > _OPAQUE_LIMIT:
        raise _invalid(kind)
    return Identifier(kind, text, text.casefold())


def _email(text: str) -> Identifier:
    if _ADDRESS_SHAPE.match(text) and ".." not in text and len(text) <= 254:
        local, _, domain = text.rpartition("@")
        if local[0] == "." or local[-1] == "." or len(local) > 64 or not _plain_domain(domain):
            raise _invalid(Kind.EMAIL)
        value = f"{local}@{domain}".lower()
    else:
        from email_validator import EmailNotValidError, validate_email

        try:
            checked = validate_email(text, check_deliverability=False, test_environment=True)
        except EmailNotValidError:
            raise _invalid(Kind.EMAIL) from None
        value = f"{checked.local_part.lower()}@{checked.ascii_domain or checked.domain}".lower()
    local, _, domain = value.rpartition("@")
    broad = unicodedata.normalize("NFKC", local).casefold().partition("+")[0].replace(".", "") or local
    return Identifier(Kind.EMAIL, value, f"{broad}@{_SAME_MAILBOX.get(domain, domain)}")


def _plain_domain(domain: str) -> bool:
    labels = domain.split(".")
    return len(domain) <= 253 and all(
        0 < len(label) <= 63 and label[0] != "-" and label[-1] != "-" for label in labels
    )


def _phone(text: str, region: str | None) -> Identifier:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise _invalid(Kind.PHONE) from None
    if not phonenumbers.is_possible_number(number):
        raise _invalid(Kind.PHONE)
    value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Identifier(Kind.PHONE, value, value)


def _invalid(kind: Kind) -> Misuse:
    return Misuse(
        "identifier.invalid",
        f"That is not a valid {kind.name.lower()} identifier.",
        field=kind.name.lower(),
        mend="check the value; it is not repeated here",
    )
