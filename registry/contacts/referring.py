"""From the subject of a request to a reference, so that the API and the command line name persons alike."""

from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import Reference
from registry.contacts.schemas import Subject
from registry.kit.errors import Misuse, Refused


def reference_of(subject: Subject) -> Reference:
    """The reference that a subject is; Misuse `subject.invalid` unless exactly one way of naming is used."""
    if subject.id is not None and (
        subject.email is subject.phone is subject.external is subject.device is None
    ):
        return Reference(subject.id, None)
    named = [
        (kind, value)
        for kind, value in (
            (Kind.EMAIL, subject.email),
            (Kind.PHONE, subject.phone),
            (Kind.EXTERNAL, subject.external),
            (Kind.DEVICE, subject.device),
        )
        if value is not None
    ]
    if subject.id is not None or len(named) != 1:
        raise Misuse(
            "subject.invalid",
            "A subject is named in exactly one way.",
            field="subject",
            mend="one of id, email, phone, external, device",
        )
    ((kind, value),) = named
    try:
        return Reference(None, normalise(kind, value))
    except Refused as error:
        error.field = f"subject.{kind.name.lower()}"
        raise
