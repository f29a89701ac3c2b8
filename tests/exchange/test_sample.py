"""The sample: the same bytes for the same seed, and a truth that adds up by itself."""

import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.contacts.identifiers import Kind, normalise
from registry.exchange import mapping, sample, terms
from registry.exchange.sample import EXTRA, MEMBERS, MERGE, STANDARD
from registry.policy import loader


def written(folder: Path, people: int, seed: int) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    sample.write(people, seed, folder / "s.zip")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def truth(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "s.zip.truth.json").read_bytes())
    return told


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 300), st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, people: int, seed: int) -> None:
    assert written(tmp_path / "a", people, seed) == written(tmp_path / "b", people, seed)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 400), st.integers(0, 2**32))
def test_the_truth_adds_up(tmp_path: Path, people: int, seed: int) -> None:
    written(tmp_path, people, seed)
    told = truth(tmp_path)
    counts, persons, addresses = told["counts"], told["people"], told["addresses"]
    assert counts["imported"] == len(persons) == people
    assert counts["permitted"] == sum(one["permitted"] for one in persons)
    assert counts["blocked"] == Counter(one["reason"] for one in persons if not one["permitted"])
    assert counts["permitted"] + sum(counts["blocked"].values()) == people
    assert counts["rejected"] == sum(counts["rejected_by"].values())
    reachable = {one["send_to"] for one in persons if one["permitted"]}
    assert reachable <= {address for address, about in addresses.items() if about["may_be_sent"]}
    for one in persons:
        assert (one["reason"] is None) == one["permitted"] == (one["send_to"] in one["addresses"])
    broad = [normalise(Kind.EMAIL, address).broad for address in addresses]
    assert len(set(broad)) == len(broad)
    assert all(address.endswith((".test", ".example")) for address in addresses)


def test_has_every_kind_of_person_in_four_languages(tmp_path: Path) -> None:
    written(tmp_path, 6000, 1)
    told = truth(tmp_path)
    assert {len(one["addresses"]) for one in told["people"]} == {1, 2}
    assert any(one["external_id"] is None for one in told["people"])
    assert set(told["counts"]["blocked"]) == {"address.dead", "address.suppressed", "consent.unknown_origin"}
    assert len(told["counts"]["rejected_by"]) == 8
    held = Counter(address for one in told["people"] for address in one["addresses"])
    assert 200 < sum(count == 2 for count in held.values()) < 900
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        texts = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    for standing, name in MEMBERS.items():
        assert texts[name].split("\r\n")[0] == ",".join((*MERGE, *STANDARD, *EXTRA[standing]))
    whole = "".join(texts.values())
    assert all(word in whole for word in ("Łódź", "Rīga", "Рига", "Dún Laoghaire"))


def test_its_mapping_fits_the_policies_that_ship(tmp_path: Path) -> None:
    written(tmp_path, 1, 1)
    told = terms.agree(mapping.load(tmp_path / "s.zip.mapping.toml", "mailchimp"), loader.load(None))
    assert told.attestation is not None
    assert told.purpose.valid_for_days is None
