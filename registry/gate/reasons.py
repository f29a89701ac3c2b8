"""What each reason means, in one sentence for people: the codes are for machines and stay as they are."""

from registry.kit.texts import N_, gettext_for

TEXTS = {
    "permit": N_("The message may be sent."),
    "restore.unreconciled": N_("The data were restored from a backup and have not been checked yet."),
    "contact.unknown": N_("There is no such person on record."),
    "contact.ambiguous": N_("Several people share this address, so it is not clear who is meant."),
    "contact.erased": N_("The person's data were erased."),
    "purpose.unknown": N_("There is no such purpose."),
    "channel.unknown": N_("There is no such channel."),
    "contact.restricted": N_("The processing of the person's data is restricted."),
    "address.missing": N_("There is no current address for this channel."),
    "address.dead": N_("Messages to this address cannot be delivered."),
    "address.suppressed": N_("Somebody who uses this address asked for no more such messages."),
    "purpose.objected": N_("The person objected to this use."),
    "consent.missing": N_("The person has not consented to this."),
    "consent.unknown_origin": N_("It is not known where this consent came from, so it does not count."),
    "consent.evidence_too_weak": N_("The evidence of this consent is too weak for this purpose."),
    "consent.refused": N_("The person refused consent."),
    "consent.withdrawn": N_("The person withdrew consent."),
    "consent.unconfirmed": N_("The person asked for this but has not confirmed it."),
    "consent.expired": N_("The consent has expired."),
    "consent.notice_outdated": N_(
        "The consent was given to an earlier text, which has changed in substance since."
    ),
    "consent.parental_missing": N_("The person is a child, and no parent has agreed."),
    "basis.facts_missing": N_("No contract or other fact is on record that this use could rest on."),
    "channel.ground_missing": N_("The law does not allow such messages on this channel without consent."),
    "schedule.quiet_hours": N_("It is a quiet time of day; the message can be sent later."),
    "frequency.cap_reached": N_("Enough messages have been sent for now; this one can be sent later."),
}


def explain(reason: str, locale: str) -> str:
    """The sentence for a reason, in the locale's language; the code itself for one that we do not know."""
    text = TEXTS.get(reason)
    return gettext_for(locale)(text) if text else reason
