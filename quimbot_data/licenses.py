"""Licences as SPDX expressions, the terms that they imply for rows under them, and how both join over derivation."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from schemas.errors import InputError
from schemas.fields import TERMS

_OWN: Final = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")
#: Nothing is asked of whoever passes the text on.
_FREE: Final = frozenset({"0BSD", "CC0-1.0", "CC-PDDC", "MIT-0", "PDDL-1.0", "Unlicense"})
#: The notice must stay with the text.
_NOTICE: Final = re.compile(r"(Apache|BSD|CDLA-Permissive|ISC|MIT|ODC-By)(-|$)")
_SHARED: Final = re.compile(r"(CDLA-Sharing|ODbL)-")
_CREATIVE: Final = re.compile(r"CC-BY(-NC)?(-ND|-SA)?-")
#: What the agreements of corpora ask that SPDX does not list; `data_cards/sources` say where it was read.
_AGREEMENTS: Final = {
    "LicenseRef-LDC-TOEFL11": ("no-transfer", "research-only"),
    "LicenseRef-LMSYS-Chat-1M": ("no-transfer",),
    "LicenseRef-Llama-3-Community": ("attribution",),
}
_VALID: Final = "Valid: an SPDX expression (CC-BY-4.0, Apache-2.0 AND MIT), or LicenseRef- and a name of yours."


class Rights(NamedTuple):
    """What a text is under: an SPDX expression, and terms, sorted."""

    license: str
    terms: list[str]


def joined(*rights: Rights) -> Rights:
    """What is under all of these: text that was made of several, or that one publisher took from another.

    The licences, sorted, each once; every term of each. So `unknown` stays unknown whatever stands beside it.

    Raises:
        InputError: a licence is none.
    """
    licences = {part for each in rights for part in parts_of(each.license)}
    named = licence_named(" AND ".join(sorted(licences)))  # one choice alone needs no brackets
    return Rights(named, sorted({term for each in rights for term in each.terms}))


@cache
def parts_of(text: str) -> tuple[str, ...]:
    """The parts of an expression that hold all at once: `A AND (B OR C)` has two.

    Raises:
        InputError: no licence.
    """
    parts, found = [_spdx().parse(licence_named(text))], []
    while parts:
        part = parts.pop()
        if isinstance(part, _spdx().AND):
            parts.extend(part.args)
        else:
            found.append(f"({part})" if part.args else str(part))
    return tuple(found)


@cache
def licence_named(text: str) -> str:
    """An SPDX expression as SPDX spells it; `LicenseRef-…` stands for what SPDX does not list.

    Raises:
        InputError: it is none.
    """
    expression, symbols = _parsed(text)
    unknown = [symbol for symbol in symbols if not symbol[1] and not _OWN.fullmatch(symbol[0])]
    if not symbols or unknown:
        raise InputError(f"{text!r} is no licence.", valid=_VALID)
    return expression


def terms_of(expression: str, given: Sequence[str] | None = None) -> list[str]:
    """The terms of rows under a licence: those that it implies, and those that were given.

    A licence that is not known here implies `unknown` where no terms were given, so that no profile but the private
    one admits it. Of `A OR B` both count: whoever has
    chosen one states that one.

    Args:
        expression: see `licence_named`.
        given: terms; `none` for a licence of one's own that asks nothing.

    Raises:
        InputError: no licence, or no terms.
    """
    wrong = sorted(set(given or []) - {*TERMS, "none"})
    if wrong or (given and "none" in given and len(given) > 1):
        raise InputError(
            f"{', '.join(wrong or given or [])} are no terms.", valid=f"Valid: none, or {', '.join(TERMS)}."
        )
    implied = {term for name, _ in _parsed(licence_named(expression))[1] for term in _implied(name)}
    if given:
        implied = (implied - {"unknown"}) | (set(given) - {"none"})
    return sorted(implied)


def spdx_pages(expression: str) -> list[str]:
    """The pages on which SPDX states the licences of an expression; what it does not list stands under its own name.

    >>> spdx_pages("CC-BY-4.0 AND LicenseRef-Own")
    ['https://spdx.org/licenses/CC-BY-4.0', 'LicenseRef-Own']
    """
    try:
        _, symbols = _parsed(expression)
    except InputError:  # a row carries what its corpus calls its licence
        return [expression]
    return [f"https://spdx.org/licenses/{name}" if known else name for name, known in symbols] or [expression]


def _implied(name: str) -> set[str]:
    if name in _AGREEMENTS:
        return set(_AGREEMENTS[name])
    if name in _FREE:
        return set()
    if creative := _CREATIVE.match(name):
        terms = {"attribution"} | ({"non-commercial"} if creative[1] else set())
        # No derivatives: a cleaned dialogue in a mix is one, so it stays at home.
        return terms | {"-SA": {"share-alike"}, "-ND": {"no-transfer"}}.get(creative[2] or "", set())
    if _SHARED.match(name):
        return {"attribution", "share-alike"}
    return {"attribution"} if _NOTICE.match(name) else {"unknown"}


@cache
def _spdx() -> Any:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


def _parsed(text: str) -> tuple[str, list[tuple[str, bool]]]:
    """The expression as SPDX writes it, and its licences: name, and whether SPDX lists it."""
    from license_expression import ExpressionError

    licensing = _spdx()
    try:
        parsed = licensing.parse(text)
    except ExpressionError as error:
        raise InputError(f"{text!r} is no licence.", valid=_VALID) from error
    if parsed is None:
        return "", []
    known = licensing.known_symbols
    return str(parsed), [(symbol.key, symbol.key in known) for symbol in licensing.license_symbols(parsed)]
