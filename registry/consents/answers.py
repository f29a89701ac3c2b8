"""What somebody said at a form: worked out from its controls, and refused where the form had no such answer. Pure.

The server reads the answers and not the site: what a box means stands in the published version, so a page cannot
call an unticked box a yes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from registry.consents.validation import VALID_ACTS
from registry.contacts.identifiers import Identifier, Kind, normalise
from registry.kit.errors import Misuse, Refused
from registry.policy.collection import CollectionPoint, Control, ControlKind

Value = bool | str

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_KIND = {ControlKind.EMAIL: Kind.EMAIL, ControlKind.PHONE: Kind.PHONE}
_ACT = {
    ControlKind.CHECKBOX: "ticked",
    ControlKind.RADIO: "clicked",
    ControlKind.SELECT: "clicked",
    ControlKind.BUTTON: "clicked",
}


@dataclass(frozen=True, slots=True)
class Said:
    """One answer to one purpose on one channel, with the act and the exact text at the control."""

    control: str
    purpose: str
    channel: str
    says: Literal["yes", "no"]
    act: str
    text: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What was left and said; a control that was left alone is not in it."""

    identifiers: tuple[Identifier, ...]
    fields: Mapping[str, str]
    said: tuple[Said, ...]

    @property
    def consents(self) -> bool:
        return any(one.says == "yes" for one in self.said)


def read(
    point: CollectionPoint,
    locale: str,
    values: Mapping[str, Value],
    acts: Mapping[str, str] | None = None,
    presented: Mapping[str, Value] | None = None,
) -> Answers:
    """The answers in `values`, by control. `acts` tells how, where it is not plain from the control; `presented`
    what the page showed before anybody touched it.

    Misuse: a control or an answer that the form does not have, a required one left out, an act that is no consent,
    none of the buttons pressed that send the form (LP-01). Refused `control.default_on`: the page showed a yes
    beforehand (LP-02).
    """
    for name in (*values, *(acts or ()), *(presented or ())):
        if point.control(name) is None:
            # Only what can be a control's name is repeated: anything else may be somebody's data in the wrong place.
            shown = name if _NAME.fullmatch(name) else "..."
            raise Misuse(
                "control.unknown",
                f"This version of the form has no control {shown!r}.",
                field=f"controls.{shown}",
                mend=f"one of {', '.join(control.id for control in point.controls)}",
            )
    _refuse_presented(point, presented or {})
    _refuse_unsent(point, values)
    identifiers: list[Identifier] = []
    fields: dict[str, str] = {}
    said: list[Said] = []
    for control in point.controls:
        value = values.get(control.id)
        if value is None or value == "" or value is False:
            if control.required:
                raise Misuse(
                    "control.missing",
                    f"The control {control.id!r} must be filled in.",
                    field=f"controls.{control.id}",
                )
            continue
        text = _text(control, value)
        if (kind := _KIND.get(control.kind)) is not None:
            identifiers.append(_identifier(control, kind, text))
        elif control.field is not None:
            fields[control.field] = text
        elif control.asks:
            said += _said(point, control, text, locale, (acts or {}).get(control.id))
    _refuse_contradiction(said)
    return Answers(tuple(identifiers), fields, tuple(said))


def _refuse_presented(point: CollectionPoint, presented: Mapping[str, Value]) -> None:
    for name, value in presented.items():
        control = point.control(name)
        if control is not None and control.asks and value not in (False, ""):
            raise Refused(
                "control.default_on",
                f"The control {name!r} was on before the person did anything (GDPR art. 4(11)).",
                field=f"presented.{name}",
                mend="show the form as it was published, with nothing chosen",
            )


def _refuse_unsent(point: CollectionPoint, values: Mapping[str, Value]) -> None:
    """What stood in a form that nobody sent is no act of theirs (GDPR art. 4(11))."""
    sending = [control.id for control in point.controls if control.submits]
    if sending and all(values.get(name) in (None, False, "") for name in sending):
        raise Misuse(
            "control.missing",
            f"The form was not sent: {' or '.join(map(repr, sending))} was not pressed.",
            field=f"controls.{sending[0]}",
            mend="send true for the button that was pressed",
        )


def _text(control: Control, value: Value) -> str:
    """The value as text; Misuse `control.value_unknown` unless the control offers it."""
    if control.kind in (ControlKind.RADIO, ControlKind.SELECT):
        offered = [option.id for option in control.options]
        if value not in offered:
            raise _unknown_value(control, f"one of {', '.join(offered)}")
        return str(value)
    if control.kind in (ControlKind.CHECKBOX, ControlKind.BUTTON):
        if value is not True:
            raise _unknown_value(control, "true, or leave it out")
        return "true"
    if not isinstance(value, str):
        raise _unknown_value(control, "a text")
    return value


def _unknown_value(control: Control, mend: str) -> Misuse:
    return Misuse(
        "control.value_unknown",
        f"The control {control.id!r} offers no such answer.",
        field=f"controls.{control.id}",
        mend=mend,
    )


def _identifier(control: Control, kind: Kind, text: str) -> Identifier:
    try:
        return normalise(kind, text)
    except Refused as error:
        error.field = f"controls.{control.id}"
        raise


def _said(
    point: CollectionPoint, control: Control, text: str, locale: str, act: str | None
) -> Iterator[Said]:
    says: Literal["yes", "no"] | None = control.says
    if control.options:
        says = next(option.says for option in control.options if option.id == text)
    if says is None:
        return
    if act is not None and act not in VALID_ACTS:
        raise Misuse(
            "consent.act_invalid",
            "That is no act by which a person says yes or no (GDPR art. 4(11)).",
            field=f"acts.{control.id}",
            mend=f"one of {', '.join(sorted(VALID_ACTS))}",
        )
    purpose, channel = control.scope
    yield Said(control.id, purpose, channel, says, act or _ACT[control.kind], point.shown(control, locale))


def _refuse_contradiction(said: list[Said]) -> None:
    """A yes and a no to the same in one go is neither: nobody can press two buttons at once."""
    answers: dict[tuple[str, str], Said] = {}
    for one in said:
        other = answers.setdefault((one.purpose, one.channel), one)
        if other is not one:
            raise Misuse(
                "control.contradictory",
                f"The controls {other.control!r} and {one.control!r} answer the same question twice.",
                field=f"controls.{one.control}",
            )
