"""What the law does not let a collection point be: each finding names the control, the article and the mend. Pure."""

from collections import Counter
from collections.abc import Iterator

from registry.policy import collection_consent, collection_information, collection_sale
from registry.policy.collection import CollectionPoint, Control, ControlKind
from registry.policy.collection_loader import point_file, text_file
from registry.policy.collection_words import agreeing, bundling, denying
from registry.policy.documents import Finding, KeyPath, nearest
from registry.policy.model import Basis, PolicySet

Said = tuple[KeyPath, str, str]

_CHOOSING = (ControlKind.RADIO, ControlKind.SELECT)
_IDENTIFYING = {ControlKind.EMAIL: "email", ControlKind.PHONE: "phone"}


def all_findings(policies: PolicySet) -> Iterator[Finding]:
    """What is wrong with the version in use of every point; earlier ones were published and stay as they are."""
    for versions in policies.collection.values():
        yield from findings(policies, versions[-1])


def findings(policies: PolicySet, point: CollectionPoint) -> Iterator[Finding]:
    """Everything that keeps this version from being published."""
    yield from lasting(policies, point)
    file = point_file(point, _current(policies, point))
    for path, text, mend in _outdated(policies, point):
        yield Finding(file, path, text, mend)


def lasting(policies: PolicySet, point: CollectionPoint) -> Iterator[Finding]:
    """What of it is refused whatever became of the notices since: what a version must still pass to be used."""
    current = _current(policies, point)
    file = point_file(point, current)
    for path, text, mend in (
        *_names(policies, point),
        *_form(policies, point),
        *collection_consent.findings(policies, point),
        *_fields(policies, point),
        *collection_sale.findings(policies, point),
    ):
        yield Finding(file, path, text, mend)
    for locale in point.locales:
        text_of = point.text(locale)
        if text_of is None:
            mend = f"write text.{locale}.md, version {point.version}"
            yield Finding(file, ("locales",), f"there is no text in {locale}, a declared language", mend)
            continue
        at = text_file(point, locale, current)
        for path, text, mend in (
            *_labels(policies, point, locale),
            *collection_information.findings(policies, point, text_of),
        ):
            yield Finding(at, path, text, mend)


def _current(policies: PolicySet, point: CollectionPoint) -> int:
    return policies.collection[point.id][-1].version if point.id in policies.collection else point.version


def _known(path: KeyPath, names: tuple[str, ...], known: tuple[str, ...]) -> Iterator[Said]:
    for name in names:
        if name not in known:
            meant = nearest(name, known)
            mend = f"did you mean `{meant}`?" if meant else f"known: {', '.join(known) or 'none'}"
            yield path, f"unknown name `{name}` in `{path[-1]}`", mend


def _names(policies: PolicySet, point: CollectionPoint) -> Iterator[Said]:
    yield from _known(("controller",), (point.controller,), tuple(policies.controllers))
    yield from _known(("serves",), point.serves, tuple(policies.purposes))
    for place, control in enumerate(point.controls):
        yield from _known(("control", place, "purposes"), control.purposes, tuple(policies.purposes))
        yield from _known(("control", place, "channels"), control.channels, tuple(policies.channels))
    if point.default_locale not in point.locales:
        text = f"the default language {point.default_locale} is not declared"
        yield ("default_locale",), text, "add it to locales"
    for name in point.serves:
        purpose = policies.purposes.get(name)
        if purpose is None:
            continue
        if purpose.controller != point.controller:
            text = f"{name} is of {purpose.controller}, and the form of {point.controller} (art. 13(1)(a))"
            yield ("serves",), text, "serve it at a form of its own controller"
        if purpose.basis is Basis.CONSENT:
            text = f"{name} rests on consent, for which no control asks (GDPR art. 6(1)(a))"
            yield ("serves",), text, "take it out of `serves` and give it a control"
    subjects = {policies.purposes[name].subject for name in point.purposes if name in policies.purposes}
    if len(subjects) > 1:
        text = "the form asks a device and a person at once, of whom neither may answer for the other"
        yield ("control",), text, "a form for each"
    for name in point.purposes:
        purpose = policies.purposes.get(name)
        for locale in point.locales if purpose else ():
            if purpose is not None and (locale not in purpose.locales or locale not in purpose.title):
                text = f"the purpose {name} has no text in {locale} (GDPR art. 12(1))"
                yield ("locales",), text, f"write its title and notice in {locale}, or take {locale} out"


def _form(policies: PolicySet, point: CollectionPoint) -> Iterator[Said]:
    ids = Counter(control.id for control in point.controls)
    scopes: dict[tuple[str, str, str], str] = {}
    for place, control in enumerate(point.controls):
        at: KeyPath = ("control", place)
        if ids[control.id] > 1:
            yield (*at, "id"), f"there are {ids[control.id]} controls `{control.id}`", "an id for each"
        if control.kind in _CHOOSING and len({option.id for option in control.options}) < 2:
            yield (*at, "option"), f"`{control.id}` has fewer than two answers", "write [[control.option]]"
        if control.options and control.kind not in _CHOOSING:
            yield (*at, "option"), f"`{control.id}` is a {control.kind} with answers", "make it a radio"
        if control.submits and control.kind is not ControlKind.BUTTON:
            yield (*at, "submits"), f"`{control.id}` is no button and sends the form", "take it out"
        idle = control.kind is ControlKind.BUTTON and control.submits
        if not (control.asks or control.accepts or control.field or control.kind in _IDENTIFYING or idle):
            text = f"`{control.id}` means nothing: no purpose, field or terms"
            yield (*at, "kind"), text, "say what it is for, or take it out (GDPR art. 5(1)(c))"
        if control.asks and len(control.purposes) == len(control.channels) == 1:
            for said in ("yes", "no"):
                if not control.can_say("yes" if said == "yes" else "no"):
                    continue
                other = scopes.setdefault((*control.scope, said), control.id)
                if other != control.id:
                    text = f"`{control.id}` and `{other}` say {said} to the same"
                    yield (*at, "purposes"), text, "keep one of them"
    if not any(control.submits for control in point.controls):
        yield (), "no button sends the form", 'add a control of kind = "button" with submits = true'


def _labels(policies: PolicySet, point: CollectionPoint, locale: str) -> Iterator[Said]:
    text = point.text(locale)
    assert text is not None
    ids = {control.id for control in point.controls}
    for control in point.controls:
        if not (label := text.labels.get(control.id, "").strip()):
            yield (
                ("labels",),
                f"the control `{control.id}` has no text in {locale}",
                "write it under [labels]",
            )
            continue
        answers = text.options.get(control.id, {})
        for option in control.options:
            if not answers.get(option.id, "").strip():
                said = f"the answer `{option.id}` of `{control.id}` has no text in {locale}"
                yield ("options", control.id), said, f"write it under [options.{control.id}]"
            elif option.says == "no" and (word := agreeing(answers[option.id], locale)):
                said = f"the answer `{option.id}` of `{control.id}` begins with “{word}” and says no"
                yield ("options", control.id), said, "let its text say no, as the answer does"
            elif option.says == "yes" and (word := denying(answers[option.id], locale)):
                said = f"the answer `{option.id}` of `{control.id}` says no (“{word}”) where choosing it says yes"
                yield ("options", control.id), said, "let its text say yes, as the answer does"
        pressed_no = control.kind is ControlKind.BUTTON and control.asks and control.says == "no"
        if pressed_no and (word := agreeing(label, locale)):
            said = f"the text of `{control.id}` begins with “{word}” where the act says no"
            yield ("labels", control.id), said, "let its text say no, as the act does"
        if control.asks and control.can_say("yes"):
            if not control.options and (words := denying(label, locale)):
                said = f"the text of `{control.id}` says no (“{words}”) where the act says yes"
                yield ("labels", control.id), said, "say what the person agrees to, without a negation"
            shares = _shares(policies, control)
            if words := bundling("\n".join((label, *answers.values())), locale, shares=shares):
                said = f"the text of `{control.id}` bundles something else (“{words}”; GDPR art. 7(2))"
                yield ("labels", control.id), said, "ask for that with a control of its own"
    for name in (*text.labels, *text.options):
        if name not in ids:
            yield ("labels", name), f"there is no control `{name}`", "take its text out"


def _shares(policies: PolicySet, control: Control) -> bool:
    """Whether what it asks for has partners: recipients that use the data for themselves."""
    purposes = [policies.purposes[name] for name in control.purposes if name in policies.purposes]
    whose = {name for purpose in purposes for name in purpose.recipients}
    return any(one.role == "controller" for name, one in policies.recipients.items() if name in whose)


def _fields(policies: PolicySet, point: CollectionPoint) -> Iterator[Said]:
    """What is asked for is declared, and needed by a purpose of this form (GDPR art. 5(1)(b), (c))."""
    for place, control in enumerate(point.controls):
        at: KeyPath = ("control", place, "field" if control.field else "kind")
        kind = _IDENTIFYING.get(control.kind)
        if kind and control.field:
            text = f"`{control.id}` fills the person's {kind}, and a field as well"
            yield at, text, "take `field` out"
        elif kind and not _needed(policies, point, kind):
            text = f"no purpose of this form needs the {kind} (GDPR art. 5(1)(c))"
            yield at, text, "take the control out, or name it in data_kinds of a purpose"
        elif control.field and control.asks:
            text = f"`{control.id}` asks for consent and fills a field at once (GDPR art. 7(2))"
            yield at, text, "a control for each"
        elif control.field and control.field not in policies.fields:
            meant = nearest(control.field, tuple(policies.fields))
            mend = f"did you mean `{meant}`?" if meant else "declare it in fields.toml, or take it out"
            yield at, f"the field `{control.field}` is not in the catalogue (GDPR art. 5(1)(c))", mend
        elif control.field and not set(policies.fields[control.field].purposes) & set(point.purposes):
            text = f"no purpose of this form uses the field `{control.field}` (GDPR art. 5(1)(c))"
            yield at, text, f"take it out; it is for {', '.join(policies.fields[control.field].purposes)}"


def _needed(policies: PolicySet, point: CollectionPoint, kind: str) -> bool:
    return any(
        kind in policies.purposes[name].data_kinds for name in point.purposes if name in policies.purposes
    )


def _outdated(policies: PolicySet, point: CollectionPoint) -> Iterator[Said]:
    """The notices that are shown are those in use (GDPR art. 7(1), 13)."""
    for name in point.purposes:
        purpose = policies.purposes.get(name)
        if purpose is None or purpose.notice_version is None:
            continue
        shown = point.notices.get(name)
        if shown is None:
            text = f"which notice of {name} is shown is not said (GDPR art. 13)"
            yield ("notices",), text, f"write {name} = {purpose.notice_version} under [notices]"
        elif shown != purpose.notice_version:
            text = f"the notice of {name} shown is version {shown}, and {purpose.notice_version} is in use"
            yield (
                ("notices", name),
                text,
                f"show version {purpose.notice_version}, in a new version of the form",
            )
    for name in point.notices:
        if name not in point.purposes:
            yield ("notices", name), f"{name} is no purpose of this form", "take it out"
