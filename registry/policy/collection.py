"""Where data are collected: the form, its controls, and what is told beside them, as data (GDPR art. 7, 13)."""

from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Literal

import rfc8785
from pydantic import Field

from registry.policy.words import Locale, Model, Name

Says = Literal["yes", "no"]


class ControlKind(StrEnum):
    """What a person can do with a control."""

    CHECKBOX = "checkbox"
    RADIO = "radio"
    SELECT = "select"
    TEXT = "text"
    EMAIL = "email"
    PHONE = "phone"
    BUTTON = "button"


class Option(Model):
    """One of the answers of a radio group or a list; `says` what choosing it means for the control's purpose."""

    id: Name
    says: Says | None = None


class Control(Model):
    """One control of a form.

    With `purposes` it asks for consent (or, saying "no", offers to opt out); with `field` it fills a field of the
    catalogue; `email` and `phone` fill the identifier of that kind. `accepts` names what else it accepts or
    confirms: terms, an age.
    """

    id: Name
    kind: ControlKind
    # On from the start; or the option that is chosen before anybody chose.
    default: bool | Name = False
    required: bool = False
    purposes: tuple[Name, ...] = ()
    channels: tuple[Name, ...] = ()
    # What ticking or pressing it says.
    says: Says = "yes"
    options: tuple[Option, ...] = Field(default=(), alias="option")
    accepts: tuple[Name, ...] = ()
    field: Name | None = None
    # A button that sends the form.
    submits: bool = False
    # How much it stands out, and on which page of the form: a "no" may be no further away than its "yes".
    prominence: Literal["primary", "secondary", "link"] = "primary"
    step: int = Field(default=1, ge=1, le=20)

    @property
    def asks(self) -> bool:
        """Whether it asks for a yes or a no to a purpose."""
        return bool(self.purposes)

    @property
    def scope(self) -> tuple[str, str]:
        """Purpose and channel that it asks about; each has exactly one of each."""
        return self.purposes[0], self.channels[0]

    def can_say(self, what: Says) -> bool:
        """Whether the person can answer so with this control alone, by an act and not by leaving it."""
        if self.options:
            return any(option.says == what for option in self.options)
        return self.says == what


class PointText(Model):
    """What a person reads at the form in one language: the labels of its controls, and the information of art. 13."""

    point: Name
    version: int = Field(ge=1, le=32000)
    locale: Locale
    labels: dict[Name, str] = {}
    options: dict[Name, dict[Name, str]] = {}
    # Which item of art. 13 is told under which heading of the text.
    parts: dict[Name, str] = {}
    body: str = Field(min_length=1)


class CollectionPoint(Model):
    """One version of a form at which persons leave data and give or refuse consent; immutable once recorded."""

    id: Name
    version: int = Field(ge=1, le=32000)
    controller: Name
    locales: tuple[Locale, ...] = Field(min_length=1)
    default_locale: Locale
    # Purposes for which the data are needed that rest on something else than consent: an order, an answer.
    serves: tuple[Name, ...] = ()
    # The version of each purpose's notice that is shown with the form.
    notices: dict[Name, int] = {}
    # The address is got in a sale of the controller's (Directive 2002/58/EC art. 13(2)).
    sale: bool = False
    controls: tuple[Control, ...] = Field(alias="control", min_length=1)
    texts: tuple[PointText, ...] = ()

    @cached_property
    def canonical(self) -> bytes:
        """Everything of this version as canonical JSON (RFC 8785): what is recorded, and what `hash` is of."""
        written: bytes = rfc8785.dumps(self.model_dump(mode="json", by_alias=True))
        return written

    @cached_property
    def hash(self) -> bytes:
        """SHA-256 of `canonical`."""
        return sha256(self.canonical).digest()

    @cached_property
    def purposes(self) -> tuple[str, ...]:
        """Every purpose that data left here are for, in the order in which they are named."""
        asked = (purpose for control in self.controls for purpose in control.purposes)
        return tuple(dict.fromkeys((*self.serves, *asked)))

    def control(self, control_id: str) -> Control | None:
        return next((control for control in self.controls if control.id == control_id), None)

    def asking(self, purpose: str, channel: str, says: Says) -> Control | None:
        """The control at which a person can say so to a purpose on a channel; there is one at most."""
        for control in self.controls:
            if control.asks and control.scope == (purpose, channel) and control.can_say(says):
                return control
        return None

    def text(self, locale: str) -> PointText | None:
        return next((text for text in self.texts if text.locale == locale), None)

    def shown(self, control: Control, locale: str) -> str:
        """What stood at a control: its label, then each option on a line of its own."""
        text = self.text(locale)
        if text is None:
            raise LookupError(locale)
        options = text.options.get(control.id, {})
        return "\n".join([text.labels[control.id], *(options[option.id] for option in control.options)])

    def offers_opt_out(self, purpose: str, channel: str) -> bool:
        """Whether the form lets a person say no to letters on what they bought: to these, and on this channel.

        A "no" beside a "yes" is the answer to a question, and an opt-out from nothing.
        """
        asking = [one for one in self.controls if one.asks and one.scope == (purpose, channel)]
        return bool(asking) and not any(one.can_say("yes") for one in asking)
