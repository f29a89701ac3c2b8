"""The signature of receipts is that of W3C Data Integrity's suite eddsa-jcs-2022, byte for byte."""

import json
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from registry.consents.data_integrity import (
    DocumentInvalid,
    base58,
    from_base58,
    hash_data,
    method,
    secure,
    verify,
)

# The example of the recommendation "Data Integrity EdDSA Cryptosuites v1.0" for eddsa-jcs-2022.
CONTEXT = ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"]
CREDENTIAL: dict[str, Any] = {
    "@context": CONTEXT,
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
}
KEY = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
OPTIONS = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-jcs-2022",
    "created": "2023-02-24T23:36:38Z",
    "verificationMethod": f"did:key:{KEY}#{KEY}",
    "proofPurpose": "assertionMethod",
    "@context": CONTEXT,
}
VALUE = "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"
PUBLIC = from_base58(KEY[1:], 34)[2:]

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OURS = PRIVATE.public_key().public_bytes_raw()
SIGNED = secure({"@context": {"a": "urn:a"}, "a": ["ą", {"b": 1}]}, PRIVATE, "2026-01-01T00:00:00.000000Z")


def test_the_example_of_the_recommendation_has_its_hash_and_verifies() -> None:
    expected = (
        "66ab154f5c2890a140cb8388a22a160454f80575f6eae09e5a097cabe539a1db"
        "59b7cb6251b8991add1ce0bc83107e3db9dbbab5bd2c28f687db1a03abc92f19"
    )
    assert hash_data(CREDENTIAL, OPTIONS).hex() == expected
    assert method(PUBLIC) == OPTIONS["verificationMethod"]
    secured = rfc8785.dumps({**CREDENTIAL, "proof": {**OPTIONS, "proofValue": VALUE}})
    assert verify(secured, PUBLIC) == CREDENTIAL


def test_what_we_sign_verifies_with_our_key_alone() -> None:
    assert verify(SIGNED, OURS)["a"] == ["ą", {"b": 1}]
    assert verify(SIGNED + b"\n", OURS)
    with pytest.raises(DocumentInvalid, match="another key"):
        verify(SIGNED, PUBLIC)


@given(place=st.integers(0, len(SIGNED) - 1), byte=st.integers(0, 255))
def test_any_byte_that_is_changed_is_refused(place: int, byte: int) -> None:
    changed = SIGNED[:place] + bytes([byte]) + SIGNED[place + 1 :]
    if changed != SIGNED:
        with pytest.raises(DocumentInvalid):
            verify(changed, OURS)


@given(place=st.integers(0, len(SIGNED)), added=st.binary(min_size=1, max_size=3))
def test_any_byte_that_is_added_is_refused(place: int, added: bytes) -> None:
    changed = SIGNED[:place] + added + SIGNED[place:]
    if changed != SIGNED + b"\n":
        with pytest.raises(DocumentInvalid):
            verify(changed, OURS)


@given(place=st.integers(0, len(SIGNED) - 1), length=st.integers(1, 40))
def test_any_byte_that_is_taken_away_is_refused(place: int, length: int) -> None:
    with pytest.raises(DocumentInvalid):
        verify(SIGNED[:place] + SIGNED[place + length :], OURS)


@pytest.mark.parametrize(
    "rewritten",
    [
        lambda d: json.dumps(d).encode(),
        lambda d: json.dumps(d, indent=1).encode(),
        lambda d: rfc8785.dumps({**d, "proof": {**d["proof"], "cryptosuite": "none"}}),
        lambda d: rfc8785.dumps({**d, "proof": {**d["proof"], "expires": "2999-01-01T00:00:00Z"}}),
        lambda d: rfc8785.dumps({**d, "proof": {**d["proof"], "proofPurpose": "authentication"}}),
        lambda d: rfc8785.dumps(
            {**d, "proof": {**d["proof"], "proofValue": "z1" + d["proof"]["proofValue"][1:]}}
        ),
        lambda d: rfc8785.dumps({**d, "proof": {**d["proof"], "proofValue": 7}}),
        lambda d: rfc8785.dumps({**d, "proof": [d["proof"]]}),
        lambda d: rfc8785.dumps({k: v for k, v in d.items() if k != "proof"}),
        lambda d: rfc8785.dumps(d).replace(b'"a":["', b'"a":1,"a":["', 1),
        lambda d: b"[]",
        lambda d: b"[" * 100_000,
        lambda d: b"\xff",
    ],
)
def test_the_same_in_another_form_is_refused(rewritten: Any) -> None:
    with pytest.raises(DocumentInvalid):
        verify(rewritten(json.loads(SIGNED)), OURS)


@given(st.binary(min_size=1, max_size=80))
def test_base58_comes_back(data: bytes) -> None:
    assert from_base58(base58(data), len(data)) == data
