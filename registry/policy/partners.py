"""Who else becomes a controller of what a person consented to: named when consent is asked for, or not at all.

Whoever consents must know to whom (GDPR art. 4(11), 13(1)(e), 26; EDPB Guidelines 05/2020, 65). So a partner that is
added later gets nothing on the strength of earlier consents: the change is a material one.
"""

import unicodedata
from collections.abc import Iterator

from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.policy.documents import Finding
from registry.policy.model import Basis, PolicySet, Purpose
from registry.policy.notice_checks import notice_file, sections_of


def partners_of(policies: PolicySet, purpose: Purpose) -> list[str]:
    """Recipients of a purpose that are controllers of their own, by id; a processor acts for us and is none."""
    return sorted(
        name
        for name in purpose.recipients
        if name in policies.recipients and policies.recipients[name].role == "controller"
    )


def findings(policies: PolicySet) -> Iterator[Finding]:
    """Partners whom a notice in use does not name, of purposes that rest on consent."""
    for purpose in policies.purposes.values():
        if purpose.basis is not Basis.CONSENT:
            continue
        for notice in policies.notices.get(purpose.id, ()):
            if notice.version != purpose.notice_version:
                continue
            told = sections_of(notice.body).get(notice.parts.get("recipients", ""), "")
            for name in partners_of(policies, purpose):
                partner = policies.recipients[name].name
                if not is_named(partner, told):
                    text = f"the notice does not name {partner}, which gets the data for ends of its own"
                    mend = "name it in the section on recipients (GDPR art. 4(11), 13(1)(e))"
                    yield Finding(
                        notice_file(notice, purpose.notice_version), ("parts", "recipients"), text, mend
                    )


async def refuse_added(session: Session, policies: PolicySet) -> None:
    """Refused `notice.partner_added`: a partner joined, and consents that did not name it would still hold.

    Whoever gets the data now must have been a partner in every version of the policy, and stand by name in every
    notice, under which a consent that still counts may have been given: so a partner who left and comes back is new,
    and so is another one under the id of the first.
    """
    asking = [purpose for purpose in policies.purposes.values() if purpose.basis is Basis.CONSENT]
    partners = {purpose.id: found for purpose in asking if (found := partners_of(policies, purpose))}
    if not partners:
        return
    bodies = await session.all(
        "SELECT purpose, body->'partners' AS partners, body->'purpose'->'recipients' AS recipients,"
        " coalesce((body->'purpose'->>'notice_version')::int, 0) AS shown, body->'notices' AS notices"
        " FROM policy_version WHERE purpose = ANY(%s)",
        (list(partners),),
    )
    texts = await session.all(
        "SELECT purpose, version, locale, body FROM notice WHERE purpose = ANY(%s)", (list(partners),)
    )
    headings = {
        (row.purpose, one["version"], one["locale"]): one["parts"].get("recipients", "")
        for row in bodies
        for one in row.notices
    }
    for name, joined in partners.items():
        purpose = policies.purposes[name]
        left_out: set[str] = set()
        for row in bodies:
            if row.purpose == name and row.shown >= purpose.least_notice_version:
                # A version from before partners were kept apart names its recipients alone.
                left_out.update(
                    set(joined) - set(row.recipients or () if row.partners is None else row.partners)
                )
        for text in texts:
            if text.purpose == name and text.version >= purpose.least_notice_version:
                heading = headings.get((name, text.version, text.locale), "")
                told = sections_of(text.body).get(heading, "")
                left_out.update(one for one in joined if not is_named(policies.recipients[one].name, told))
        if left_out:
            raise Refused(
                "notice.partner_added",
                f"{', '.join(policies.recipients[one].name for one in sorted(left_out))} would get data of people"
                f" whose consent to {name} did not name them (GDPR art. 4(11)).",
                field=f"purposes/{name}/policy.toml",
                mend='write the next version of the notice, with change = "material", that names them',
            )


def is_named(name: str, text: str) -> bool:
    """Whether a text has a legal name in whole words, however they are spelt."""
    return f" {_words(name)} " in f" {_words(text)} "


def _words(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).casefold()
    kept = (letter if letter.isalnum() else "" if unicodedata.combining(letter) else " " for letter in folded)
    return " ".join("".join(kept).split())
