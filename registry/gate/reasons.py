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
    "address.listed": N_("The address or number is on a list of people who want no advertising."),
    "schedule.quiet_hours": N_("It is a quiet time of day; the message can be sent later."),
    "schedule.preferred_time": N_(
        "The person would rather be reached at another time of day; the message can be sent then."
    ),
    "frequency.cap_reached": N_("Enough messages have been sent for now; this one can be sent later."),
}

# What can be done about a "no", for whoever runs the installation; a "nothing" means that no is the answer.
MENDS = {
    "restore.unreconciled": "reconcile what was restored with the journal",
    "contact.unknown": "record the person",
    "contact.ambiguous": "ask by our id or `external:`",
    "contact.erased": "nothing: the person is gone",
    "purpose.unknown": "`zgoda policy list`",
    "channel.unknown": "`policies/channels.toml`",
    "contact.restricted": "until it is lifted, or the person consents anew",
    "address.missing": "record an address",
    "address.dead": "ask the person for another",
    "address.suppressed": "nothing; the person may grant again at first hand",
    "purpose.objected": "nothing; the person may grant again at first hand",
    "consent.missing": "ask for consent",
    "consent.unknown_origin": "ask for consent: the record is no evidence",
    "consent.evidence_too_weak": "ask on your own form",
    "consent.refused": "nothing",
    "consent.withdrawn": "nothing",
    "consent.unconfirmed": "wait for the confirmation",
    "consent.expired": "ask again, in a message that is permitted",
    "consent.notice_outdated": "show the new text and ask",
    "consent.parental_missing": "record a parent's authority, then ask again and name it",
    "basis.facts_missing": "record the contract or sale",
    "address.listed": "ask for consent on another way; a list that is out of date is imported anew",
    "channel.ground_missing": (
        "record sale and address, country and kind of subscriber; import the country's list; or ask for consent"
    ),
    "schedule.quiet_hours": "send it at `not_before`",
    "schedule.preferred_time": "send it at `not_before`",
    "frequency.cap_reached": "send it at `not_before`, or send less",
}


def explain(reason: str, locale: str) -> str:
    """The sentence for a reason, in the locale's language; the code itself for one that we do not know."""
    text = TEXTS.get(reason)
    return gettext_for(locale)(text) if text else reason
