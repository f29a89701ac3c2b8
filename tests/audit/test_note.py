"""C2SP signed notes and checkpoints: the vector of the specification, and no lenient reading."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.audit import checkpoint, merkle, note, proof
from registry.audit.checkpoint import Checkpoint

VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
TEXT = "This is an example message.\n"
SIGNATURE = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
VECTOR = f"{TEXT}\n\u2014 example.com/foo {SIGNATURE}\n".encode()

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = note.Ed25519Signer("zgoda/test/log", PRIVATE)
OTHER = note.Ed25519Signer("witness.example/w1", Ed25519PrivateKey.from_private_bytes(bytes(32)))


def test_the_vector_of_the_specification_opens():
    verifier = note.Verifier.parse(VKEY)
    assert verifier.vkey == VKEY
    opened = note.open_note(VECTOR, [verifier])
    assert opened.text == TEXT
    assert opened.encode().encode() == VECTOR


def test_a_note_with_any_bit_flipped_does_not_open():
    verifier = note.Verifier.parse(VKEY)
    for bit in range(len(VECTOR) * 8):
        bad = bytearray(VECTOR)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises(note.NoteInvalid):
            note.open_note(bytes(bad), [verifier])


def test_signing_and_opening_agree_and_a_second_line_has_room():
    signed = note.sign("a\n\nb\n", [SIGNER, OTHER])
    assert len(signed.signatures) == 2
    raw = signed.encode().encode()
    for known in ([SIGNER.verifier], [OTHER.verifier], [SIGNER.verifier, OTHER.verifier]):
        opened = note.open_note(raw, known)
        assert opened.text == "a\n\nb\n"
        assert len(opened.signatures) == len(known)


def test_a_line_of_an_unknown_algorithm_is_passed_over():
    signed = note.sign("text\n", [SIGNER])
    post_quantum = note.Signature("zgoda/test/log", note.key_id("zgoda/test/log", 0x06, b"k"), b"\0" * 2428)
    raw = note.Note(signed.text, (*signed.signatures, post_quantum)).encode().encode()
    assert len(note.parse(raw).signatures) == 2
    assert len(note.open_note(raw, [SIGNER.verifier]).signatures) == 1


def test_one_false_line_of_a_known_key_refuses_the_note():
    good, bad = note.sign("text\n", [SIGNER, OTHER]).signatures
    forged = note.Signature(bad.name, bad.key_id, bytes(64))
    raw = note.Note("text\n", (good, forged)).encode().encode()
    assert note.open_note(raw, [SIGNER.verifier]).text == "text\n"
    with pytest.raises(note.NoteInvalid, match="does not hold"):
        note.open_note(raw, [SIGNER.verifier, OTHER.verifier])


def test_a_note_that_nobody_known_signed_does_not_open():
    raw = note.sign("text\n", [OTHER]).encode().encode()
    with pytest.raises(note.NoteInvalid, match="given key"):
        note.open_note(raw, [SIGNER.verifier])


LINE = "\u2014 name AAAAAAAA\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"text\n",
        b"text\n\n",
        f"text\n{LINE}".encode(),
        f"text\n\n{LINE[:-1]}".encode(),
        f"text\n\n{LINE}\n".encode(),
        f"te\txt\n\n{LINE}".encode(),
        f"te\rxt\n\n{LINE}".encode(),
        b"\xff\n\n" + LINE.encode(),
        b"text\n\n- name AAAAAAAA\n",
        "text\n\n\u2014 name\n".encode(),
        "text\n\n\u2014 name AAAA\n".encode(),
        "text\n\n\u2014 name AAAAAAA\n".encode(),
        "text\n\n\u2014 name AAAAAAB\n".encode(),
        "text\n\n\u2014 na+me AAAAAAAA\n".encode(),
        "text\n\n\u2014  AAAAAAAA\n".encode(),
        "text\n\n\u2014 a\u00a0b AAAAAAAA\n".encode(),
        b"text\n\n" + LINE.encode() * 101,
        b"x" * 1_000_001,
    ],
)
def test_what_is_not_a_note_is_refused(raw):
    with pytest.raises(note.NoteInvalid):
        note.parse(raw)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.com/foo",
        VKEY + "=",
        VKEY[:-1],
        VKEY.replace("530d903a", "530d903b"),
        VKEY.replace("530d903a", "530D903A"),
        VKEY.replace("+Ae", "+Be"),
        " " + VKEY,
        "a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ],
)
def test_what_is_not_a_verifier_key_is_refused(vkey):
    with pytest.raises(note.KeyInvalid):
        note.Verifier.parse(vkey)


def test_a_text_that_cannot_be_a_note_is_not_signed():
    for text in ("no newline", "", "a\tb\n"):
        with pytest.raises(ValueError):
            note.sign(text, [SIGNER])
    with pytest.raises(ValueError):
        note.sign("text\n", [])


HEAD = Checkpoint("zgoda/test/log", 1, merkle.leaf_hash(b"{}")).signed([SIGNER])


def test_a_checkpoint_is_three_lines_and_its_key_has_the_name_of_the_log():
    encoded = base64.b64encode(HEAD.root).decode()
    assert HEAD.note.startswith(f"zgoda/test/log\n1\n{encoded}\n\n\u2014 zgoda/test/log ")
    assert checkpoint.open_signed(HEAD.note.encode(), SIGNER.verifier) == HEAD
    foreign = note.sign(HEAD.text(), [OTHER]).encode().encode()
    with pytest.raises(checkpoint.CheckpointInvalid, match="the key of"):
        checkpoint.open_signed(foreign, OTHER.verifier)


def test_the_empty_log_has_the_root_of_the_specification():
    text = "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert checkpoint.parse(text) == Checkpoint("o", 0, merkle.EMPTY_ROOT)
    assert Checkpoint("o", 0, merkle.EMPTY_ROOT).text() == text


ROOT = base64.b64encode(HEAD.root).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"o\n1\n{ROOT}",
        f"o\n1\n{ROOT}\nextension\n",
        f"\n1\n{ROOT}\n",
        f"o\n01\n{ROOT}\n",
        f"o\n+1\n{ROOT}\n",
        f"o\n-1\n{ROOT}\n",
        f"o\n1_0\n{ROOT}\n",
        f"o\n\u0661\n{ROOT}\n",
        f"o\n9223372036854775808\n{ROOT}\n",
        f"o\n{'9' * 30}\n{ROOT}\n",
        f"o\n0\n{ROOT}\n",
        f"o\n1\n{ROOT[:-1]}\n",
        f"o\n1\n{ROOT[:-2]}B=\n",
        "o\n1\nAAAA\n",
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text):
    with pytest.raises(checkpoint.CheckpointInvalid):
        checkpoint.parse(text)


def test_a_tlog_proof_reads_as_the_specification_writes_it_and_verifies():
    entries = [b"%d" % n for n in range(5)]
    hashes = [merkle.leaf_hash(entry) for entry in entries]
    head = Checkpoint("zgoda/test/log", 5, merkle.root(hashes)).signed([SIGNER])
    path = tuple(merkle.inclusion(3, 5, merkle.levels(hashes)))
    made = proof.TlogProof(3, path, head.note, b"extra")
    lines = made.encode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra ZXh0cmE=", "index 3"]
    assert lines[3] == base64.b64encode(hashes[2]).decode()
    assert made.encode().endswith("\n\n" + head.note)
    assert proof.parse(made.encode()) == made
    assert proof.verify(made, entries[3], SIGNER.verifier).size == 5
    with pytest.raises(merkle.ProofInvalid):
        proof.verify(made, entries[2], SIGNER.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\n\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nx",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n!\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\nx",
        "c2sp.org/tlog-proof@v1\nextra A\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + f"{ROOT}\n" * 64 + "\nx",
    ],
)
def test_what_is_not_a_tlog_proof_is_refused(text):
    with pytest.raises(proof.ProofMalformed):
        proof.parse(text)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_and_never_crash(raw):
    with pytest.raises(note.NoteInvalid):
        note.open_note(raw, [SIGNER.verifier])
