"""Licences and the terms that they imply."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data.filters import FORBIDDEN_TERMS
from quimbot_data.licenses import Rights, joined, licence_named, parts_of, terms_of
from quimbot_data.sources import SOURCES
from schemas.errors import InputError
from schemas.fields import TERMS


@pytest.mark.parametrize(
    ("expression", "terms"),
    [
        ("CC0-1.0", []),
        ("MIT", ["attribution"]),
        ("Apache-2.0", ["attribution"]),
        ("BSD-3-Clause", ["attribution"]),
        ("CC-BY-4.0", ["attribution"]),
        ("CC-BY-SA-3.0", ["attribution", "share-alike"]),
        ("CC-BY-NC-4.0", ["attribution", "non-commercial"]),
        ("CC-BY-NC-SA-4.0", ["attribution", "non-commercial", "share-alike"]),
        ("CC-BY-ND-4.0", ["attribution", "no-transfer"]),
        ("CC-BY-NC-ND-4.0", ["attribution", "no-transfer", "non-commercial"]),
        ("ODbL-1.0", ["attribution", "share-alike"]),
        ("GPL-3.0-only", ["unknown"]),
        ("LicenseRef-mine", ["unknown"]),
        ("MIT AND CC-BY-NC-4.0", ["attribution", "non-commercial"]),
        ("CC0-1.0 OR LicenseRef-mine", ["unknown"]),
    ],
)
def test_a_licence_implies_its_terms(expression, terms):
    assert terms_of(expression) == terms


@pytest.mark.parametrize(
    ("expression", "given", "terms"),
    [
        ("CC-BY-NC-4.0", ["research-only"], ["attribution", "non-commercial", "research-only"]),
        ("CC-BY-NC-4.0", ["none"], ["attribution", "non-commercial"]),  # what a licence asks cannot be waived
        ("LicenseRef-mine", ["none"], []),
        ("LicenseRef-mine", ["no-transfer"], ["no-transfer"]),
        ("CC0-1.0", ["unknown"], ["unknown"]),
    ],
)
def test_given_terms_add_to_them_and_make_the_unknown_known(expression, given, terms):
    assert terms_of(expression, given) == terms


@pytest.mark.parametrize("text", ["", " ", "Apache", "all rights reserved", "MIT OR", "LicenseRef-", "CC-BY", "(MIT"])
def test_what_is_no_licence_is_refused(text):
    with pytest.raises(InputError, match="no licence"):
        licence_named(text)


def test_licences_are_spelled_as_spdx_spells_them():
    assert licence_named("cc-by-4.0") == "CC-BY-4.0"
    assert licence_named("mit and LicenseRef-Llama-3-Community") == "MIT AND LicenseRef-Llama-3-Community"


@pytest.mark.parametrize("terms", [["free"], ["none", "unknown"]])
def test_terms_that_are_none_are_refused(terms):
    with pytest.raises(InputError, match="no terms"):
        terms_of("MIT", terms)


@pytest.mark.parametrize("name", SOURCES)
def test_no_corpus_states_fewer_terms_than_its_licence_implies(name):
    dossier = SOURCES[name].dossier
    assert licence_named(dossier.license) == dossier.license
    assert terms_of(dossier.license) == sorted(dossier.terms)


@tried(200)
@given(st.text(max_size=30))
def test_any_text_is_a_licence_or_refused_by_name(text):
    with contextlib.suppress(InputError):
        assert licence_named(licence_named(text)) == licence_named(text)


def test_what_nobody_knows_is_admitted_by_no_profile_but_private():
    assert [profile for profile, terms in FORBIDDEN_TERMS.items() if "unknown" not in terms] == ["private"]


EXPRESSIONS = st.sampled_from(
    ["MIT", "CC-BY-4.0", "CC0-1.0 OR MIT", "LicenseRef-a", "LicenseRef-b AND MIT", "(MIT OR ISC) AND LicenseRef-a"]
)
RIGHTS = st.builds(Rights, EXPRESSIONS, st.lists(st.sampled_from(TERMS), unique=True).map(sorted))


@given(RIGHTS, RIGHTS, RIGHTS)
def test_rights_join_in_any_order_and_lose_nothing(one, other, third):
    """Derivation is associative, commutative and idempotent, and no term or licence is ever shed on the way."""
    both = joined(one, other)
    assert both == joined(other, one)
    assert joined(both, third) == joined(one, joined(other, third))
    assert joined(both, one) == both == joined(both, both)
    assert set(one.terms) | set(other.terms) == set(both.terms)
    assert set(parts_of(one.license)) | set(parts_of(other.license)) == set(parts_of(both.license))
    assert licence_named(both.license) == both.license


def test_a_choice_within_a_conjunction_keeps_its_brackets():
    made = joined(Rights("MIT OR ISC", []), Rights("CC-BY-4.0", ["attribution"]))
    assert made == Rights("(MIT OR ISC) AND CC-BY-4.0", ["attribution"])
