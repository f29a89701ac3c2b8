"""A published form never changes; whoever kept a page open is heard, unless what it says is refused by now."""

from dataclasses import replace as with_
from pathlib import Path

import psycopg
import pytest

from registry.consents.submissions import Submission, sales
from registry.kit import clock
from registry.kit.database import Role
from registry.kit.errors import Refused
from registry.kit.ids import new_id
from registry.policy import loader
from registry.policy.model import Purpose
from tests import persons
from tests.application import client_of
from tests.collection.forms import (
    FOOTER,
    LOCALES,
    checkout,
    copied,
    installed,
    second_version,
    text_of,
)
from tests.collection.test_submitting import EMAIL, SIGNUP, count, entries, filled, signup
from tests.collection.test_submitting import FOOTER as SUBMIT
from tests.persons import CALLER
from tests.policy.folders import replace


async def test_what_was_recorded_under_a_version_stays(workspace, folder):
    replace(folder, text_of("en"), "also if you are unsure", "even if you are unsure")
    with pytest.raises(Refused) as refused:
        await installed(workspace, folder)
    assert refused.value.code == "point.fixed"
    assert "newsletter-footer/1" in refused.value.detail
    assert "next version" in (refused.value.mend or "")


async def test_a_later_version_is_recorded_beside_the_earlier_one(workspace, folder):
    second_version(folder)
    changed = await installed(workspace, folder)
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all(
            "SELECT version, hash, sha256(convert_to(body, 'UTF8')) AS again FROM collection_point"
            " WHERE point = 'newsletter-footer' ORDER BY version"
        )
    assert [row.version for row in rows] == [1, 2]
    assert all(row.hash == row.again for row in rows)
    versions = changed.policies.collection["newsletter-footer"]
    assert [bytes(row.hash) for row in rows] == [point.hash for point in versions]


@pytest.mark.parametrize("role", [Role.APP, Role.RETENTION, Role.OWNER])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE collection_point SET body = body || ' '",
        "DELETE FROM collection_point",
        "TRUNCATE collection_point",
    ],
)
async def test_nobody_changes_a_recorded_form(workspace, role, statement):
    with pytest.raises(psycopg.Error):
        async with workspace.database.begin(CALLER, role) as session:
            await session.execute(statement)
    assert await count(workspace, "collection_point") == 2


async def test_a_page_that_was_kept_open_still_counts_as_what_it_showed(workspace, folder):
    second_version(folder)
    async with client_of(await installed(workspace, folder)) as client:
        told = (await client.post(SUBMIT, json=filled())).json()
        later = (await client.post(SUBMIT, json=filled("b@example.test") | {"version": 2})).json()
    assert [row.point_version for row in await entries(workspace, told["contact"])] == [1]
    assert [row.point_version for row in await entries(workspace, later["contact"])] == [2]
    assert await persons.reason(workspace, told["contact"]) == "permit"


@pytest.mark.law("LP-02")
async def test_a_version_that_would_be_refused_today_is_not_accepted_any_more(workspace, folder):
    second_version(folder)
    earlier = "collection/newsletter-footer/point.1.toml"
    replace(folder, earlier, 'kind = "checkbox"\n', 'kind = "checkbox"\ndefault = true\n')

    # As one that was published before this was looked for: on record, and beside the one in use.
    policies = loader.load(folder)

    async with client_of(
        with_(workspace, policies=workspace.policies.model_copy(update={"collection": policies.collection}))
    ) as client:
        answer = await client.post(SUBMIT, json=filled())
        assert (answer.status_code, answer.json()["code"]) == (409, "point.version_withdrawn")
        assert (await client.post(SUBMIT, json=filled() | {"version": 2})).status_code == 201
    assert await count(workspace, "contact") == 1


@pytest.mark.law("LP-16")
async def test_a_no_is_heard_at_a_version_that_would_be_refused_today(workspace, folder):
    """Also by whoever kept a page open whose list stands on its first answer."""
    second_version(folder, "club-signup")
    earlier = "collection/club-signup/point.1.toml"
    replace(folder, earlier, 'id = "club-letter"\nkind = "radio"', 'id = "club-letter"\nkind = "select"')
    policies, _ = loader.examine(folder)
    assert policies is not None
    now = workspace.policies.model_copy(update={"collection": policies.collection})
    made = await persons.make(workspace, EMAIL)
    async with client_of(with_(workspace, policies=now)) as client:
        yes = await client.post(SIGNUP, json=signup("accept"))
        assert (yes.status_code, yes.json()["code"]) == (409, "point.version_withdrawn")
        no = await client.post(SIGNUP, json=signup("decline"))
        assert no.status_code == 201, no.text
    assert await persons.reason(workspace, made, "club-letter") == "address.suppressed"


@pytest.mark.law("LP-32")
async def test_a_sale_at_a_form_with_an_opt_out_carries_soft_opt_in(workspace, folder):
    checkout(folder, opt_out=True)
    relabel_as_second(folder)
    async with client_of(await installed(workspace, folder)) as client:
        body = sale(products=["tents"])
        told = (await client.post(SUBMIT, json=body)).json()
    assert len(told["grounds"]) == 1
    assert told["entries"] == []
    async with workspace.database.begin(CALLER) as session:
        row = await session.one("SELECT * FROM ground")
        await session.execute("UPDATE contact SET country = 'LV', subscriber = 1")
        session.stale.add(row.contact_id)
    assert (row.kind, row.opt_out_offered, row.collected_in_sale) == ("sale", True, True)
    assert (row.products, row.source) == (["tents"], "point:newsletter-footer")
    assert await persons.reason(workspace, f"email:{EMAIL}", "product-updates") == "permit"
    assert await persons.reason(workspace, f"email:{EMAIL}", "order-messages") == "permit"
    assert await persons.reason(workspace, f"email:{EMAIL}") == "consent.missing"


@pytest.mark.law("LP-32")
async def test_a_no_to_something_else_is_no_opt_out_from_letters_to_customers(workspace, folder):
    served = 'default_locale = "lv"\nsale = true\nserves = ["order-messages"]\n'
    replace(folder, FOOTER, 'default_locale = "lv"\n', served)
    replace(folder, FOOTER, "[notices]\n", "[notices]\norder-messages = 1\n")
    scope = 'kind = "button"\npurposes = ["newsletter"]\nchannels = ["email"]\nsubmits = true\n'
    head = (folder / FOOTER).read_text("utf-8").partition('[[control]]\nid = "newsletter"')[0]
    yes, no = (f'[[control]]\nid = "{name}"\n{scope}' for name in ("newsletter", "send"))
    (folder / FOOTER).write_text(f'{head}{yes}\n{no}says = "no"\n', "utf-8")
    relabel_as_second(folder)
    async with client_of(await installed(workspace, folder)) as client:
        body = sale(products=["tents"]) | {"controls": {"email": EMAIL, "newsletter": True}}
        assert (await client.post(SUBMIT, json=body)).status_code == 201
    async with workspace.database.begin(CALLER) as session:
        row = await session.one("SELECT * FROM ground")
        await session.execute("UPDATE contact SET country = 'LV', subscriber = 1")
        session.stale.add(row.contact_id)
    assert (row.opt_out_offered, row.collected_in_sale) == (False, True)
    assert await persons.reason(workspace, f"email:{EMAIL}", "product-updates") == "channel.ground_missing"


@pytest.mark.law("LP-32")
def test_an_opt_out_is_offered_for_its_own_purpose_and_channel_alone(folder):
    checkout(folder, opt_out=True)
    policies = loader.load(folder)
    point = policies.collection["newsletter-footer"][-1]
    purpose = policies.purposes["product-updates"]
    both = purpose.model_copy(update={"channels": ("email", "sms")})
    other = purpose.model_copy(update={"id": "bicycle-letters", "similar_products": ("bicycles",)})
    submission = Submission("newsletter-footer", 1, "en", {}, clock.now(), products=("tents",))
    assigned = {"email": (new_id(), None), "phone": (new_id(), None)}

    def offered(*purposes: Purpose, products: tuple[str, ...] = ("tents",)) -> list[bool]:
        known = {**policies.purposes, **{one.id: one for one in purposes}}
        told = with_(submission, products=products)
        changed = policies.model_copy(update={"purposes": known})
        return [one.opt_out_offered for one in sales(changed, point, told, new_id(), assigned)]

    assert offered() == [True, False]
    assert offered(both) == [True, False]
    # The sale of a bicycle carries both letters, and the form offers to opt out of one of them.
    assert offered(other) == [True, False]
    assert offered(other, products=("tents", "bicycles")) == [False, False]


@pytest.mark.law("LP-33")
async def test_a_refusal_at_the_sale_stays_whatever_is_bought_later(workspace, folder):
    checkout(folder, opt_out=True)
    relabel_as_second(folder)
    async with client_of(await installed(workspace, folder)) as client:
        body = sale(products=["tents"])
        body["controls"]["no-letters"] = True
        told = (await client.post(SUBMIT, json=body)).json()
        assert [one["kind"] for one in told["entries"]] == ["refused"]
        assert (await client.post(SUBMIT, json=sale(products=["bicycles"]))).status_code == 201
    async with workspace.database.begin(CALLER) as session:
        await session.execute("UPDATE contact SET country = 'LV', subscriber = 1")
        session.stale.add(await session.value("SELECT id FROM contact"))
    assert await persons.reason(workspace, f"email:{EMAIL}", "product-updates") != "permit"
    assert await persons.reason(workspace, f"email:{EMAIL}", "order-messages") == "permit"


def relabel_as_second(folder: Path) -> None:
    """What is in the folder becomes version 2; version 1 is the one that ships."""
    shipped = copied(folder.parent / "shipped") / "collection/newsletter-footer"
    place = folder / "collection/newsletter-footer"
    replace(folder, FOOTER, "version = 1", "version = 2")
    for locale in LOCALES:
        replace(folder, text_of(locale), "version = 1", "version = 2")
    for path in sorted(shipped.iterdir()):
        (place / f"{path.stem}.1{path.suffix}").write_bytes(path.read_bytes())


def sale(products: list[str]) -> dict[str, object]:
    controls = {"email": EMAIL, "send": True}
    return {"version": 2, "locale": "en", "controls": controls, "products": products}
