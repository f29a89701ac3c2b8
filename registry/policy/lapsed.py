"""Consents that a material change of the notice ended stay ended (GDPR art. 4(11); LP-11)."""

from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.policy.model import Basis, ChannelGround, PolicySet


async def refuse_revived(session: Session, policies: PolicySet) -> None:
    """Refused `notice.lapsed`: consents to an earlier notice would count again, though they had lapsed.

    Nobody was asked anew: whoever did not agree to the change would be taken to have agreed.
    """
    least = {
        row.purpose: row.least
        for row in await session.all(
            "SELECT purpose, max(least) AS least FROM ("
            "SELECT purpose, (body->'purpose'->>'least_notice_version')::int AS least FROM policy_version"
            " UNION ALL SELECT purpose, version FROM notice WHERE change = 'material') AS known"
            " WHERE least IS NOT NULL GROUP BY purpose"
        )
    }
    for name, purpose in policies.purposes.items():
        by_consent = purpose.basis is Basis.CONSENT or ChannelGround.CONSENT in purpose.grounds
        if by_consent and purpose.least_notice_version < least.get(name, 0):
            raise Refused(
                "notice.lapsed",
                f"Consents to {name} under notices older than version {least[name]} have lapsed, and from version"
                f" {purpose.least_notice_version} on they would count again (GDPR art. 4(11)).",
                field=f"purposes/{name}/policy.toml",
                mend='keep the notices on record, or write the next version with change = "material"',
            )
