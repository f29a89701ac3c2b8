"""Acts over HTTP: a yes needs an act and an address, a no needs neither, and both are in force when answered."""

import pytest

from tests.http.routes import GRANT, bearer, key, person

EMAIL = "anna.nowak@example.test"
SUBJECT = {"subject": {"email": EMAIL}}


async def decide(client, **more):
    question = {**SUBJECT, "purpose": "newsletter", "channel": "email", **more}
    answer = await client.post("/api/v1/decisions", json=question)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.law("LP-01")
@pytest.mark.parametrize(
    "act",
    [
        "default",
        "pre_ticked",
        "pre-ticked",
        "scrolled",
        "scroll",
        "silence",
        "inactivity",
        "",
        "Ticked",
        None,
    ],
)
async def test_what_is_no_clear_affirmative_act_is_no_consent(admin, act):
    await person(admin, EMAIL)
    body = {**GRANT, **SUBJECT, "act": act}
    if act is None:
        del body["act"]
    answer = await admin.post("/api/v1/consents", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "consent.act_invalid"
    assert answer.json()["field"] == "/act"
    assert (await decide(admin))["reason"] == "consent.missing"
    history = await admin.get(f"/api/v1/contacts/{await person(admin, EMAIL)}/consents")
    assert history.json()["entries"] == []


async def test_a_grant_permits_and_a_withdrawal_stops(admin):
    made = await person(admin, EMAIL)
    granted = await admin.post("/api/v1/consents", json={**GRANT, **SUBJECT, "evidence": {"form": "footer"}})
    assert granted.status_code == 201, granted.text
    permitted = await decide(admin)
    assert permitted["outcome"] == "permit"
    assert permitted["evidence"] == granted.json()["entries"][0]["id"]
    assert permitted["basis"] == "consent"
    assert permitted["channel_ground"] == "consent"
    body = {"kind": "withdraw", "purpose": "newsletter", "channel": "email", "source": "phone", **SUBJECT}
    assert (await admin.post("/api/v1/consents", json=body)).status_code == 201
    assert (await decide(admin))["outcome"] == "deny"
    entries = (await admin.get(f"/api/v1/contacts/{made}/consents")).json()["entries"]
    assert [one["kind"] for one in entries] == ["granted", "withdrawn"]
    assert entries[0]["notice"] == {"version": 1, "locale": "en"}


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"purpose": "newsleter"}, 400, "purpose.unknown", "/purpose"),
        ({"channel": "pigeon"}, 400, "channel.unknown", "/channel"),
        ({"purpose": "*"}, 400, "controller.missing", "/controller"),
        ({"purpose": "*", "controller": "nordwind"}, 400, "purpose.unknown", "/purpose"),
        ({"notice": None}, 400, "notice.missing", "/notice"),
        ({"notice": {"version": 99, "locale": "en"}}, 400, "notice.unknown", "/notice"),
        ({"bundled_with": ["terms"]}, 400, "consent.bundled", "/bundled_with"),
        ({"acted_at": "2999-01-01T00:00:00Z"}, 400, "consent.acted_in_future", "/acted_at"),
        ({"acted_at": "2026-01-01T00:00:00"}, 400, "time.naive", "/acted_at"),
        ({"subject": {}}, 400, "subject.invalid", "/subject"),
        ({"subject": {"email": EMAIL, "external": "C"}}, 400, "subject.invalid", "/subject"),
        ({"subject": {"external": "C-404"}}, 404, "contact.unknown", "/subject"),
        ({"identifier": "0190d9a0-0000-7000-8000-000000000000"}, 404, "identifier.unknown", "/identifier"),
        ({"subject": {"email": "x"}}, 400, "identifier.invalid", "/subject/email"),
    ],
)
async def test_what_is_wrong_with_an_act_is_said_by_field(admin, change, status, code, field):
    await person(admin, EMAIL)
    answer = await admin.post("/api/v1/consents", json={**GRANT, **SUBJECT, **change})
    assert (answer.status_code, answer.json()["code"], answer.json().get("field")) == (status, code, field)
    assert (await decide(admin))["reason"] == "consent.missing"


async def test_a_no_to_everything_of_a_controller_needs_no_purpose(admin):
    await person(admin, EMAIL)
    await admin.post("/api/v1/consents", json={**GRANT, **SUBJECT})
    body = {
        "kind": "object",
        "purpose": "*",
        "channel": "*",
        "controller": "nordwind",
        "source": "letter",
        **SUBJECT,
    }
    assert (await admin.post("/api/v1/consents", json=body)).status_code == 201
    assert (await decide(admin))["outcome"] == "deny"


async def test_an_engine_may_pass_a_no_on_and_never_a_yes(admin, workspace):
    await person(admin, EMAIL)
    engine = bearer(await key(workspace, "engine", purposes=["newsletter"]))
    refused = await admin.post("/api/v1/consents", json={**GRANT, **SUBJECT}, headers=engine)
    assert (refused.status_code, refused.json()["code"]) == (403, "action.forbidden")
    body = {"kind": "withdraw", "purpose": "newsletter", "channel": "*", "source": "bounce", **SUBJECT}
    assert (await admin.post("/api/v1/consents", json=body, headers=engine)).status_code == 201
    other = await admin.post("/api/v1/consents", json={**body, "purpose": "club-letter"}, headers=engine)
    assert (other.status_code, other.json()["code"]) == (403, "purpose.out_of_scope")


async def test_history_comes_in_pages_by_cursor(admin):
    made = await person(admin, EMAIL)
    for _ in range(5):
        await admin.post("/api/v1/consents", json={**GRANT, **SUBJECT})
    seen, after = [], 0
    while after is not None:
        page = (await admin.get(f"/api/v1/contacts/{made}/consents?limit=2&after={after}")).json()
        assert len(page["entries"]) <= 2
        seen += [one["seq"] for one in page["entries"]]
        after = page["next"]
    assert seen == sorted(set(seen))
    assert len(seen) == 5


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "after=-1", "limit=x", f"after={2**64}"])
async def test_a_wrong_page_is_refused_by_parameter(admin, query):
    answer = await admin.get(f"/api/v1/contacts/{await person(admin, EMAIL)}/consents?{query}")
    assert answer.status_code == 400
    assert answer.json()["field"] == query.partition("=")[0]


async def test_a_sale_is_recorded(admin):
    await person(admin, EMAIL)
    body = {
        "kind": "sale", "controller": "nordwind", "occurred_at": "2026-01-10T12:00:00Z", "source": "shop",
        "products": ["tents"], "opt_out_offered": True, "collected_in_sale": True, **SUBJECT,
    }  # fmt: skip
    assert (await admin.post("/api/v1/grounds", json=body)).status_code == 201
    assert (await decide(admin, purpose="order-messages"))["outcome"] == "permit"
    unknown = await admin.post("/api/v1/grounds", json={**body, "controller": "nobody"})
    assert unknown.status_code == 400
    assert "controller" in unknown.json()["field"]


@pytest.mark.law("LP-44")
async def test_a_narrowed_key_reads_of_a_ledger_what_is_said_about_its_purposes(admin, client, workspace):
    made = await person(admin, EMAIL)
    for purpose, channel, kind in (("newsletter", "email", "grant"), ("club-letter", "email", "request")):
        shown = workspace.policies.purposes[purpose].notice_version
        act = {"kind": kind, "purpose": purpose, "channel": channel, "source": "form", "act": "ticked"}
        notice = {"version": shown, "locale": "en"}
        body = {**act, "notice": notice, "subject": {"id": made}, "evidence": {"page": "club"}}
        card = (await admin.get(f"/api/v1/contacts/{made}")).json()
        body["identifier"] = card["identifiers"][0]["id"]
        assert (await admin.post("/api/v1/consents", json=body)).status_code == 201
    for controller in ("nordwind", "polana"):
        no = {"kind": "object", "purpose": "*", "channel": "*", "controller": controller, "source": "form"}
        await admin.post("/api/v1/consents", json={**no, "subject": {"id": made}})
    path = f"/api/v1/contacts/{made}/consents"
    whole = (await admin.get(path)).json()["entries"]
    assert [(e["controller"], e["purpose"]) for e in whole] == [
        ("nordwind", "newsletter"),
        ("polana", "club-letter"),
        ("nordwind", "*"),
        ("polana", "*"),
    ]
    marketer = bearer(await key(workspace, "marketer", purposes=("newsletter",)))
    client.headers.clear()
    seen = (await client.get(path, headers=marketer)).json()["entries"]
    assert [(e["controller"], e["purpose"]) for e in seen] == [("nordwind", "newsletter"), ("nordwind", "*")]
    for entry in whole:
        mine = entry["controller"] == "nordwind"
        receipt = await client.get(f"{path}/{entry['id']}/receipt", headers=marketer)
        assert receipt.status_code == (200 if mine else 404)
        # What shows an entry is opened for the data protection officer alone.
        proof = await client.get(f"{path}/{entry['id']}/proof", headers=marketer)
        assert proof.status_code == 403
