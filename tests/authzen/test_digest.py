"""The quick way to a decision's digest is the digest of what is kept."""

from datetime import UTC

import msgspec
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from registry.audit import body
from registry.gate import evidence
from registry.gate.model import Decision, Outcome
from registry.kit.ids import NIL, new_id
from registry.policy.model import Basis, ChannelGround

IDS = st.none() | st.uuids() | st.just(NIL)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DECISIONS = st.builds(
    Decision,
    contact_id=st.uuids(),
    purpose=WORDS,
    channel=WORDS,
    outcome=st.sampled_from(Outcome),
    reason=WORDS,
    basis=st.none() | st.sampled_from(Basis),
    channel_ground=st.none() | st.sampled_from(ChannelGround),
    identifier=IDS,
    evidence=IDS,
    policy=st.none() | WORDS,
    as_of=st.datetimes(timezones=st.just(UTC)),
    id=st.uuids(),
)


@given(DECISIONS, st.sampled_from(["check", "handoff"]), IDS)
def test_both_ways_to_a_digest_agree(decision, kind, message):
    told = evidence.facts(decision, kind, message)
    assert evidence.digest_of(decision, kind, message) == evidence.digest(told)
    assert tuple(sorted(told)) == evidence._Told.__struct_fields__


@given(st.lists(st.tuples(DECISIONS, IDS), max_size=4), st.sampled_from(["check", "handoff"]))
def test_many_digests_are_those_of_each(told, kind):
    decisions, messages = [one for one, _ in told], [message for _, message in told]
    # Of every decision there is another that is like it in all but its ids.
    like = [msgspec.structs.replace(one, id=new_id(), identifier=None) for one in decisions]
    assert evidence.digests([*decisions, *like], kind, messages * 2) == [
        evidence.digest_of(one, kind, message)
        for one, message in zip([*decisions, *like], messages * 2, strict=True)
    ]
    assert evidence.digests(decisions, kind) == [evidence.digest_of(one, kind) for one in decisions]


@given(
    st.dictionaries(st.text(max_size=8), WORDS | st.lists(WORDS, max_size=5), max_size=5).filter(
        lambda detail: "@" not in str(detail)
    )
)
def test_a_detail_of_texts_and_lists_of_texts_is_written_canonically(detail):
    assert body._canonical(detail) == rfc8785.dumps(detail).decode()
