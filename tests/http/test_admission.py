"""Who may call what: every route and every role, taken from the application, so that none can be forgotten."""

import asyncio
import re
from datetime import timedelta

import pytest

from registry.access import service
from registry.access.authentication import Keychain
from registry.access.credentials import KINDS
from registry.kit import clock
from registry.kit.errors import Unauthenticated
from registry.policy.rights import rights
from tests.http.routes import WHY, admissions, bearer, key

ID = "0190d9a0-0000-7000-8000-000000000000"


def path_of(template: str) -> str:
    return re.sub(r"\{[^}]+\}", ID, template)


@pytest.mark.law("LP-44")
async def test_every_route_says_who_may_call_it(app):
    silent = [
        route
        for route, admission in admissions(app).items()
        if not admission.public and not admission.actions
    ]
    assert silent == []


@pytest.mark.law("LP-44")
async def test_every_action_of_a_route_is_one_that_some_role_has(app, workspace):
    known = set().union(*(role.actions for role in rights(workspace.policies).roles.values()))
    asked = {action for admission in admissions(app).values() for action in admission.actions}
    assert asked <= known


@pytest.mark.law("LP-44")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_role_may_call_what_it_lists_and_nothing_else(app, client, workspace, kind):
    headers = bearer(await key(workspace, kind))
    allowed = rights(workspace.policies).roles[kind].actions
    for (method, template), admission in admissions(app).items():
        answer = await client.request(method, path_of(template), headers=headers)
        if admission.public or allowed & set(admission.actions):
            assert answer.status_code not in (401, 403), (method, template, answer.text)
        else:
            assert answer.status_code == 403, (method, template, answer.text)
            assert answer.json()["code"] == "action.forbidden"


@pytest.mark.law("LP-44")
async def test_without_a_key_only_public_routes_answer(app, client):
    for (method, template), admission in admissions(app).items():
        answer = await client.request(method, path_of(template), headers=WHY)
        if admission.public:
            assert answer.status_code != 401, (method, template)
        else:
            assert answer.status_code == 401, (method, template)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["code"] == "credential.missing"


@pytest.mark.parametrize("missing", ["Zgoda-Purpose", "Zgoda-Reason"])
async def test_a_read_of_personal_data_without_its_why_is_refused_naming_the_header(app, admin, missing):
    del admin.headers[missing]
    personal = [route for route, admission in admissions(app).items() if admission.personal]
    assert len(personal) >= 3
    for method, template in personal:
        answer = await admin.request(method, path_of(template))
        assert answer.status_code == 400
        assert answer.json()["field"] == missing


@pytest.mark.parametrize(
    "reason", ["call jan@example.test back", "call +48 600 100 200 back", "call 600 100 200 now", "x" * 201]
)
async def test_a_reason_that_names_somebody_is_refused(admin, reason):
    answer = await admin.get(f"/api/v1/contacts/{ID}", headers={"Zgoda-Reason": reason})
    assert answer.status_code == 400
    assert answer.json()["field"] == "Zgoda-Reason"
    assert reason not in answer.text


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer zgoda_admin_x",
        "Bearer zgoda_admin_" + "a" * 36,
        "Bearer \xe9",
    ],
)
async def test_what_is_no_key_is_401_and_asks_nothing_of_the_database(
    app, client, monkeypatch, authorization
):
    async def never(*_):
        raise AssertionError("the database was asked")

    monkeypatch.setattr(Keychain, "_load", never)
    answer = await client.get(
        f"/api/v1/contacts/{ID}", headers={"Authorization": authorization.encode("latin-1"), **WHY}
    )
    assert answer.status_code == 401


async def test_an_expired_key_is_refused_at_once(workspace):
    expires_at = clock.now() + timedelta(seconds=1)
    made = await key(workspace, "admin", expires_at=expires_at)
    keychain = Keychain(workspace.database)
    await keychain.principal(f"Bearer {made}")
    await asyncio.sleep((expires_at - clock.now()).total_seconds() + 0.01)
    with pytest.raises(Unauthenticated):
        await keychain.principal(f"Bearer {made}")


async def test_a_revoked_key_is_refused_within_the_time_that_a_look_up_is_kept(workspace, caller):
    async with workspace.database.begin(caller) as session:
        record, made = await service.create_key(session, workspace.ring, "admin", "short-lived")
    kept, fresh = Keychain(workspace.database), Keychain(workspace.database, cached_seconds=0)
    assert (await kept.principal(f"Bearer {made}")).id == record.id
    async with workspace.database.begin(caller) as session:
        await service.revoke_key(session, workspace.ring, record.id)
    assert (await kept.principal(f"Bearer {made}")).id == record.id  # within CACHED_SECONDS
    kept.forget(record.id)
    for keychain in (kept, fresh):
        with pytest.raises(Unauthenticated):
            await keychain.principal(f"Bearer {made}")


async def test_a_key_is_looked_up_once_for_many_requests(workspace):
    made = await key(workspace, "admin")
    keychain, asked = Keychain(workspace.database), 0
    load = keychain._load

    async def counted(hashed):
        nonlocal asked
        asked += 1
        return await load(hashed)

    keychain._load = counted
    await asyncio.gather(*(keychain.principal(f"Bearer {made}") for _ in range(50)))
    assert asked == 1


async def test_the_key_is_not_in_the_database(workspace, session):
    made = await key(workspace, "admin")
    row = await session.first("SELECT * FROM api_key WHERE name = 'test admin'")
    assert made not in str(row)
    assert made[-36:].encode() not in b"".join(bytes(v) for v in row if isinstance(v, bytes))
