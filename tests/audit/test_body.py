"""What an entry says: canonical in every case, without what would tie it to a person."""

from base64 import b64encode

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.audit import body, commitments
from registry.audit.commitments import Opening
from registry.kit.errors import Misuse
from registry.kit.ids import new_id

TIME = "2026-01-31T12:00:00.000000Z"
CALLER = {"actor": "operator", "purpose": "operation", "reason": "test", "request": "r1"}

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="@"), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
details = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="@")), json_values
)


@settings(deadline=None)
@given(
    details,
    st.lists(st.binary(min_size=32, max_size=32), max_size=3),
    st.sampled_from(["zażółć gęślą", 'art. 15 "x" \\']),
)
def test_a_body_is_the_canonical_form_of_what_it_says(detail, committed, reason):
    split = body.build(
        "contact.read",
        actor="key:0190b3c2-1234-7abc-8def-0123456789ab",
        purpose="newsletter",
        reason=reason,
        request="0190b3c2-1234-7abc-8def-0123456789ab",
        kinds=("email", "first_name"),
        subjects=commitments.stated(committed),
        detail=detail,
    )
    entry = split.at(TIME)
    said = body.canonical(entry)
    assert tuple(said) == body.FIELDS
    assert rfc8785.dumps(said) == entry
    assert said["reason"] == reason
    assert len(TIME) == body.TIME_BYTES


@settings(deadline=None)
@given(
    st.dictionaries(texts.filter(lambda name: not name.startswith("g-")), texts, max_size=3),
    st.booleans(),
    st.sampled_from(["zażółć gęślą", 'art. 15 "x" \\', "100 % of %b and %(x)s"]),
    st.binary(min_size=32, max_size=32),
    st.uuids(),
)
def test_a_filled_form_is_what_the_general_way_writes(detail, about, reason, drawn, identity):
    commitment, request = b64encode(drawn), str(identity)
    said = {"g-decision": str(identity), "g-digest": commitment.decode()}
    caller = {**CALLER, "reason": reason}
    form = body.form(
        "decision.check",
        caller["actor"],
        caller["purpose"],
        caller["reason"],
        ("standing",),
        tuple(detail.items()),
        tuple(said),
        about=about,
    )
    filled = [text.encode() for text in said.values()] + [request.encode()] + [commitment] * about
    written = body.build(
        "decision.check",
        **{**caller, "request": request},
        kinds=("standing",),
        subjects=[commitment.decode()] if about else [],
        detail={**detail, **said},
    )
    assert (form.head, form.tail % tuple(filled)) == (written.head, written.tail)


def test_a_form_is_filled_in_the_order_in_which_it_is_written():
    with pytest.raises(ValueError, match="order"):
        body.form("a.b", "operator", "p", "test", (), (), ("digest", "decision"), about=False)


@settings(deadline=None)
@given(json_values.filter(lambda v: isinstance(v, dict)))
def test_the_quick_way_to_canonical_form_agrees_with_the_library(value):
    written = rfc8785.dumps(value)
    assert rfc8785.dumps(body.canonical(written)) == written


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"1", b"\xff", b'{"a":1 }', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1.0}', b'{"a":-0}',
        b'{"a":"\\u0061"}', b'{"a":1e2}', b'{"a":NaN}', b'{"a":90071992547409930}', b'{"a":"\\/"}', b"{}\n",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)  # fmt: skip
def test_what_is_not_canonical_is_refused(raw):
    with pytest.raises(ValueError, match="the entry"):
        body.canonical(raw)


@pytest.mark.parametrize(
    "reason",
    [
        "local operator", "ticket 4711", "SUP-20261234 complaint", "2026-01-31 audit of 2016/679", "#123456789",
        "request 0190b3c2-1234-7abc-8def-0123456789ab", "build of 2026-01-31T12:00:00Z", "zgłoszenie 12",
    ],
)  # fmt: skip
def test_a_reason_that_names_nobody_is_taken(reason):
    body.check_reason(reason)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("mail from jan@example.com", "reason.personal_data"),
        ("jan@localhost", "reason.personal_data"),
        ("called +48 600 100 200", "reason.personal_data"),
        ("+37126123456", "reason.personal_data"),
        ("tel 600100200", "reason.personal_data"),
        ("600-100-200", "reason.personal_data"),
        ("(22) 600 10 20 11", "reason.personal_data"),
        ("x" * 201, "reason.too_long"),
        ("two\nlines", "reason.invalid"),
        ("  ", "reason.invalid"),
    ],
)
def test_a_reason_that_may_name_somebody_is_refused_and_not_repeated(reason, code):
    with pytest.raises(Misuse) as caught:
        body.build("contact.read", **{**CALLER, "reason": reason})
    assert caught.value.code == code
    assert reason not in caught.value.line()


def test_a_detail_holds_no_address_and_the_rest_only_what_code_writes():
    with pytest.raises(Misuse, match=r"detail\.personal_data"):
        body.build("contact.read", **CALLER, detail={"a": [{"jan@example.com": 1}]})
    body.build("contact.read", **CALLER, detail={"policy": "newsletter@3"})
    for wrong in ({"actor": "Jan Kowalski"}, {"actor": 'x","at":"'}):
        with pytest.raises(ValueError, match="not an actor"):
            body.build("contact.read", **{**CALLER, **wrong})
    for action in ("read", "Contact.read", "contact.read.x", 'a.b"'):
        with pytest.raises(ValueError, match="not an action"):
            body.build(action, **CALLER)
    with pytest.raises(ValueError, match="not an kind"):
        body.build("contact.read", **CALLER, kinds=["a b"])
    for field, value in (("purpose", "a b"), ("request", "600100200"), ("request", "a b"), ("request", "")):
        with pytest.raises(Misuse, match=rf"{field}\.invalid"):
            body.build("contact.read", **{**CALLER, field: value})


def test_an_entry_has_at_most_what_a_bundle_can_hold():
    room = 65_535 - len(body.build("a.b", **CALLER, detail={"x": ""}).at(TIME))
    assert len(body.build("a.b", **CALLER, detail={"x": "y" * room}).at(TIME)) == 65_535
    with pytest.raises(Misuse, match=r"entry\.too_large"):
        body.build("a.b", **CALLER, detail={"x": "y" * (room + 1)})
    full = commitments.stated([bytes(32)] * commitments.INLINE)
    body.build("a.b", **CALLER, subjects=full, detail={"x": "y" * 30_000})


@pytest.mark.parametrize("count", [1, 2, 500, 501, 733])
def test_an_opening_fits_its_person_and_nobody_else(count):
    people = [new_id() for _ in range(count)]
    nonces = [n.to_bytes(32, "big") for n in range(count)]
    committed = [commitments.commit(nonce, person) for nonce, person in zip(nonces, people, strict=True)]
    subjects = commitments.stated(committed)
    assert isinstance(subjects, list) == (count <= 500)
    for position in {0, count // 2, count - 1}:
        path = commitments.path_to(position, committed)
        good = Opening(people[position], position, nonces[position], path)
        assert commitments.opening_from_json(commitments.opening_as_json(good)) == good
        commitments.verify(subjects, good)
        wrong = [
            Opening(new_id(), position, nonces[position], path),
            Opening(people[position], position, bytes(31), path),
            Opening(people[position], position, b"\xff" * 32, path),
            Opening(people[position], -1, nonces[position], path),
            Opening(people[position], count, nonces[position], path),
            Opening(people[position], position, nonces[position], (*path, bytes(32))),
        ]
        for opening in wrong:
            with pytest.raises(commitments.OpeningInvalid):
                commitments.verify(subjects, opening)
    for nothing in (None, {}, {"count": 1}, [1], {"count": "1", "root": "x"}, {"count": 1, "root": "x"}):
        with pytest.raises(commitments.OpeningInvalid):
            commitments.verify(nothing, Opening(people[0], 0, nonces[0]))
    for broken in ({}, {"subject": "x", "position": 0, "nonce": "", "path": []}):
        with pytest.raises(commitments.OpeningInvalid):
            commitments.opening_from_json(broken)
