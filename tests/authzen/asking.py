"""A person, and questions about them."""

from uuid import uuid4

EMAIL = "ilze.berzina@example.test"
NEWSLETTER = {"type": "purpose", "id": "newsletter"}
BY_EMAIL = {"name": "email"}


def contact(one):
    return {"type": "contact", "id": str(one)}


def question(one, **change):
    return {"subject": contact(one), "action": BY_EMAIL, "resource": NEWSLETTER, **change}


async def kept(workspace):
    async with workspace.database.held(None) as session:
        return await session.all("SELECT * FROM decision ORDER BY decided_at, id")


GOOD = {"subject": {"type": "contact", "id": str(uuid4())}, "action": BY_EMAIL, "resource": NEWSLETTER}
PATHS = ("evaluation", "evaluations", "search/subject", "search/resource", "search/action")
