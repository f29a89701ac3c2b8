"""What the API takes and gives about many questions at once."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from registry.contacts.schemas import Subject
from registry.gate.schemas import Answer, Word

LARGEST_BATCH = 1_000


class BatchQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    """One question of a mixed batch; what it means is what `POST /api/v1/decisions` says."""

    subject: Subject
    purpose: Word
    channel: Word
    identifier: UUID | None = None


class AskMany(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 1,000 questions: `subjects` about one `purpose` and `channel`, or `questions` that each say all of it."""

    purpose: Word | None = None
    channel: Word | None = None
    subjects: Annotated[list[Subject], Meta(min_length=1, max_length=LARGEST_BATCH)] | None = None
    questions: Annotated[list[BatchQuestion], Meta(min_length=1, max_length=LARGEST_BATCH)] | None = None


class Answers(Struct, frozen=True):
    """The decisions, one for each question, in the order of the questions."""

    decisions: list[Answer]
