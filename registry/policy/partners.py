"""Who else becomes a controller of what a person consented to: named when consent is asked for, or not at all.

Whoever consents must know to whom (GDPR art. 4(11), 13(1)(e), 26; EDPB Guidelines 05/2020, 65). So a partner that is
added later gets nothing on the strength of earlier consents: the change is a material one.
"""

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
                if partner not in told:
                    text = f"the notice does not name {partner}, which gets the data for ends of its own"
                    mend = "name it in the section on recipients (GDPR art. 4(11), 13(1)(e))"
                    yield Finding(
                        notice_file(notice, purpose.notice_version), ("parts", "recipients"), text, mend
                    )


async def refuse_added(session: Session, policies: PolicySet) -> None:
    """Refused `notice.partner_added`: a partner joined, and consents that did not name it would still hold."""
    known = await session.all(
        "SELECT DISTINCT ON (purpose) purpose, body->'partners' AS partners,"
        " body->'purpose'->'recipients' AS recipients,"
        " coalesce((body->'purpose'->>'least_notice_version')::int, 0) AS least"
        " FROM policy_version ORDER BY purpose, recorded_at DESC"
    )
    for last in known:
        purpose = policies.purposes.get(last.purpose)
        if purpose is None or purpose.basis is not Basis.CONSENT:
            continue
        # A version from before partners were kept apart names its recipients alone.
        before = set(last.recipients or () if last.partners is None else last.partners)
        added = [name for name in partners_of(policies, purpose) if name not in before]
        if added and purpose.least_notice_version <= last.least:
            raise Refused(
                "notice.partner_added",
                f"{', '.join(added)} would get data of people whose consent to {purpose.id} did not name them"
                " (GDPR art. 4(11)).",
                field=f"purposes/{purpose.id}/policy.toml",
                mend='write the next version of the notice, with change = "material", that names them',
            )
