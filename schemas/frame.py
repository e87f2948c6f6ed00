"""Columns for the models: the polars schema, the columnar check, and the published hashes, all derived from them.

A frame is a polars frame, one row a dialogue. The check accepts a row exactly when Pydantic does; a property test
holds it to that. Hashes have one definition (sha256 over netstrings), so they outlive every engine.
"""

import typing
from collections.abc import Callable, Collection
from functools import cache
from typing import Any, Literal, get_args, get_origin

import polars as pl
import polars_hash  # noqa: F401 - registers the `chash` namespace
from pydantic import BaseModel, StringConstraints

from schemas.columns import annotation, arrow_schema, bounds, flat, unwrap
from schemas.dialogue import Dialogue
from schemas.fields import CONTROL_CLASS, nfc_suspects
from schemas.learner import LearnerText

# Types


def polars_schema(model: type[BaseModel]) -> pl.Schema:
    """The polars schema of a model: columns in field order."""
    return typing.cast(pl.DataFrame, pl.from_arrow(arrow_schema(model).empty_table())).schema


def holds(dtype: pl.DataType, leaf: type[pl.DataType]) -> bool:
    """Whether a type is of this kind, or nests one that is."""
    if isinstance(dtype, pl.List | pl.Array):
        return holds(typing.cast(pl.DataType, dtype.inner), leaf)
    if isinstance(dtype, pl.Struct):
        return any(holds(typing.cast(pl.DataType, field.dtype), leaf) for field in dtype.fields)
    return dtype == leaf


# The check


def faults(
    model: type[BaseModel],
    established: Collection[str] = (),
    *,
    absent: Collection[str] = (),
    turns: pl.Expr | None = None,
) -> pl.Expr:
    """Name of the first rule that a row breaks (null where it breaks none), as a column called `fault`.

    Field rules are named `field:<column>`; rules across fields by the names that the model's own errors carry.

    Args:
        model: what the rows are.
        established: rules that the caller has made true itself, e.g. `content-hash` and `field:content_hash` of hashes
            it just computed; they are not checked again.
        absent: columns that hold nothing but null; the optional ones among them need no look.
        turns: what `turns_signature` gives, where the caller has it already; it is looked at many times.
    """
    fields = {n: annotation(f) for n, f in model.model_fields.items()}
    looked_at = {n: field for n, field in fields.items() if n not in absent or not unwrap(*field)[2]}
    rules = {f"field:{n}": _unless(_valid(pl.col(n), *field), f"field:{n}") for n, field in looked_at.items()}
    rules |= _CROSS_RULES[model](turns, absent) if model in _CROSS_RULES else {}
    return pl.coalesce(rule for name, rule in rules.items() if name not in established).alias("fault")


def _unless(holds: pl.Expr, fault: str) -> pl.Expr:
    return pl.when(~holds.fill_null(value=False)).then(pl.lit(fault))


def _valid(value: pl.Expr, declared: Any, metadata: tuple[Any, ...] = ()) -> pl.Expr:
    kind, metadata, optional = unwrap(declared, metadata)
    valid = _valid_value(value, kind, metadata)
    return (value.is_null() | valid.fill_null(value=False)) if optional else (value.is_not_null() & valid)


def _valid_value(value: pl.Expr, kind: Any, metadata: tuple[Any, ...]) -> pl.Expr:
    if get_origin(kind) is list:
        return value.list.eval(_valid(pl.element(), get_args(kind)[0]).fill_null(value=False)).list.all()
    if get_origin(kind) is Literal:
        return value.is_in(list(get_args(kind)))
    if kind is str:
        return _valid_string(value, metadata)
    if kind in (int, float):
        return _valid_number(value, kind, metadata)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = kind.model_fields.items()
        return pl.all_horizontal(_valid(value.struct.field(name), *annotation(field)) for name, field in fields)
    return value.is_not_null()


def _valid_string(value: pl.Expr, metadata: tuple[Any, ...]) -> pl.Expr:
    valid = value.is_not_null()
    for constraint in flat(metadata):
        if isinstance(constraint, StringConstraints) and constraint.pattern:
            valid &= value.str.contains(str(constraint.pattern))
        minimum = getattr(constraint, "min_length", None)
        if minimum:
            valid &= value.str.len_chars() >= minimum
        pattern = getattr(constraint, "pattern", None)
        if pattern and not isinstance(constraint, StringConstraints):
            valid &= value.str.contains(str(pattern))
    return valid


def _valid_number(value: pl.Expr, kind: type, metadata: tuple[Any, ...]) -> pl.Expr:
    low, high = bounds(metadata)
    valid = value.is_not_null()
    if kind is float:
        valid &= value.is_not_nan() if low is not None or high is not None else pl.lit(value=True)
    if low is not None:
        valid &= value >= low
    if high is not None:
        valid &= value <= high
    return valid


def _contents(message: pl.Expr) -> pl.Expr:
    return message.struct.field("content")


def turns_signature(messages: pl.Expr) -> pl.Expr:
    """Roles as one letter each, e.g. `suaua`: what the turn rules are written against."""
    return messages.list.eval(pl.element().struct.field("role").str.slice(0, 1)).list.join("")


def turn_faults(signature: pl.Expr) -> pl.Expr:
    """The columnar twin of `schemas.dialogue.turn_structure_fault`, from what `turns_signature` gives."""
    turns = signature.str.strip_prefix("s")
    return (
        pl.when(turns.str.len_bytes() == 0)
        .then(pl.lit("no-turns"))
        .when(turns.str.contains("s", literal=True))
        .then(pl.lit("late-system"))
        .when(turns.str.starts_with("a"))
        .then(pl.lit("opens-with-assistant"))
        .when(turns.str.contains("uu", literal=True) | turns.str.contains("aa", literal=True))
        .then(pl.lit("same-role-twice"))
        .when(turns.str.ends_with("u"))
        .then(pl.lit("dangling-user"))
    )


def _text_rules(messages: pl.Expr) -> dict[str, pl.Expr]:
    # Few texts hold any character that one of the rules may mind: one pass finds them, and they alone are looked at.
    suspect = f"[{CONTROL_CLASS[1:-1]}{nfc_suspects()[1:-1]}]"
    content, text = _contents(pl.element()), pl.element()
    suspects = messages.list.eval(content.filter(content.str.contains(suspect)))
    controlled = suspects.list.eval(text.str.contains(CONTROL_CLASS)).list.any()
    changed = suspects.list.eval(text.str.normalize("NFC") != text).list.any()
    return {
        "empty-content": _unless(messages.list.eval(content.str.contains(r"\S")).list.all(), "empty-content"),
        "control-character": _unless(~controlled, "control-character"),
        "not-nfc": _unless(~changed, "not-nfc"),
    }


def _dialogue_rules(turns: pl.Expr | None, absent: Collection[str]) -> dict[str, pl.Expr]:
    messages, untrained = pl.col("messages"), pl.col("untrained")
    turns = turns_signature(messages) if turns is None else turns
    has_system = turns.str.starts_with("s").cast(pl.Int64)
    assistants = pl.int_ranges(1 + has_system, messages.list.len(), 2, dtype=pl.Int32)
    prefix = pl.concat_str(pl.col("source"), pl.lit(":"))
    named = pl.col("dialogue_id").str.starts_with(prefix) & (pl.col("dialogue_id") != prefix)
    known = untrained.list.set_difference(assistants).list.len() == 0
    return {
        **_text_rules(messages),
        "turns": turn_faults(turns),
        "dialogue-id": _unless(named, "dialogue-id"),
        "untrained": _unless(known & _sorted_unique(untrained), "untrained"),
        "positions": _unless(_positions_hold(messages, absent), "positions"),
        "counts": _unless(_counts_agree(messages), "counts"),
        "terms-order": _unless(_sorted_unique(pl.col("terms")), "terms-order"),
        "content-hash": _unless(pl.col("content_hash") == content_hashes(messages), "content-hash"),
    }


def _positions_hold(messages: pl.Expr, absent: Collection[str]) -> pl.Expr:
    """Whether all that points into the messages does: safety labels, annotations, and what templates wrote."""
    count = messages.list.len()
    template = pl.col("provenance").struct.field("derived").struct.field("template")
    held = _placed(_each(template, "position"), count) & _spans_fit(template, messages, ("head", "tail"))
    if "safety" not in absent:
        safety = pl.col("safety").struct
        held &= _placed(safety.field("flagged_positions"), count)
        held &= _within(_each(safety.field("scores"), "position"), count)
    if "pedagogy" not in absent:
        pedagogy = pl.col("pedagogy").struct
        errors = pedagogy.field("errors")
        ordered = (_each(errors, "end") - _each(errors, "start")).list.min().fill_null(0) >= 0
        held &= _placed(_each(pedagogy.field("turns"), "position"), count)
        held &= _within(_each(pedagogy.field("turns"), "target"), errors.list.len().fill_null(0))
        held &= ordered & _within(_each(errors, "position"), count) & _spans_fit(errors, messages, ("end",))
    return held


def _each(structs: pl.Expr, field: str) -> pl.Expr:
    return structs.list.eval(pl.element().struct.field(field))


def _placed(positions: pl.Expr, count: pl.Expr) -> pl.Expr:
    return positions.is_null() | (_sorted_unique(positions) & _within(positions, count))


def _within(positions: pl.Expr, count: pl.Expr) -> pl.Expr:
    return positions.list.max().fill_null(-1) < count


def _spans_fit(spans: pl.Expr, messages: pl.Expr, lengths: tuple[str, ...]) -> pl.Expr:
    """Whether the sum of these fields of each span is at most the length of the message at its position."""
    # Lengths are taken of messages with spans only: most rows have none.
    spanned = pl.when(spans.list.len() > 0).then(messages)
    room = spanned.list.eval(_contents(pl.element()).str.len_chars().cast(pl.Int64))
    left = room.list.gather(_each(spans, "position"), null_on_oob=True)
    for name in lengths:
        left -= _each(spans, name)
    return left.list.min().fill_null(0) >= 0


def _sorted_unique(values: pl.Expr) -> pl.Expr:
    # Most lists hold one value or none, and are passed over. Not `unique().sort()`: to sort what is sorted is cheap.
    several = pl.when(values.list.len() > 1).then(values)
    holds = (several == several.list.sort()) & (several.list.n_unique() == several.list.len())
    return pl.when(values.is_not_null()).then(holds.fill_null(value=True))


def _counts_agree(messages: pl.Expr) -> pl.Expr:
    expected = counts(messages)
    return pl.all_horizontal(pl.col(column.meta.output_name()) == column for column in expected)


def counts(messages: pl.Expr) -> list[pl.Expr]:
    """`n_messages`, `n_turns` and `n_chars` of a messages column."""
    return [
        messages.list.len().cast(pl.Int32).alias("n_messages"),
        turns_signature(messages).str.count_matches("u", literal=True).cast(pl.Int32).alias("n_turns"),
        messages.list.eval(_contents(pl.element()).str.len_chars().cast(pl.Int64)).list.sum().alias("n_chars"),
    ]


def _learner_rules(*_: object) -> dict[str, pl.Expr]:
    text = pl.col("text")
    return {
        "content-hash": _unless(pl.col("content_hash") == sha256(text), "content-hash"),
        "counts": _unless(pl.col("n_chars") == text.str.len_chars(), "counts"),
        "terms-order": _unless(_sorted_unique(pl.col("terms")), "terms-order"),
    }


_CROSS_RULES: dict[type[BaseModel], Callable[[pl.Expr | None, Collection[str]], dict[str, pl.Expr]]] = {
    Dialogue: _dialogue_rules,
    LearnerText: _learner_rules,
}


# Hashes


def sha256(text: pl.Expr) -> pl.Expr:
    """sha256 over UTF-8, as 64 hex digits."""
    return typing.cast(pl.Expr, text.chash.sha2_256())  # type: ignore[attr-defined]  # polars-hash's namespace


def _netstring(text: pl.Expr) -> pl.Expr:
    return pl.concat_str(text.str.len_bytes().cast(pl.String), pl.lit(":"), text, pl.lit(","))


def content_hashes(messages: pl.Expr) -> pl.Expr:
    """The columnar twin of `schemas.dialogue.content_hash`."""
    message = message_netstrings(pl.element().struct.field("role"), _contents(pl.element()))
    return sha256(messages.list.eval(message).list.join(""))


def message_netstrings(role: pl.Expr, content: pl.Expr) -> pl.Expr:
    """What a message puts into its dialogue's content hash; those of all messages, end to end, are what is hashed."""
    return pl.concat_str(_netstring(role), _netstring(content))


def row_digests(model: type[BaseModel], names: Collection[str] | None = None) -> pl.Expr:
    """sha256 of a row's canonical form: every column, so that any change of any value changes it.

    Canonical form: null `~`; text a netstring; whole numbers `i<digits>,`; floats `d<IEEE-754 bits>,` (printing them
    would depend on the printer); booleans `t` or `f`; a list `[<length>,` and its items; a struct `{` and its fields in
    order.

    Args:
        model: what the rows are.
        names: the columns that count; all of them where not given, as published digests have it.
    """
    schema = polars_schema(model).items()
    columns = [_canonical(pl.col(name), dtype) for name, dtype in schema if names is None or name in names]
    return sha256(pl.concat_str(columns)).alias("row_digest")


def _canonical(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.List):
        length = pl.concat_str(pl.lit("["), value.list.len().cast(pl.String), pl.lit(","))
        items = value.list.eval(_canonical(pl.element(), typing.cast(pl.DataType, dtype.inner))).list.join("")
        text = pl.concat_str(length, items)
    elif isinstance(dtype, pl.Struct):
        fields = [_canonical(value.struct.field(f.name), typing.cast(pl.DataType, f.dtype)) for f in dtype.fields]
        text = pl.when(value.is_not_null()).then(pl.concat_str(pl.lit("{"), *fields))
    elif dtype == pl.String:
        text = _netstring(value)
    elif dtype == pl.Boolean:
        text = pl.when(value).then(pl.lit("t")).when(~value).then(pl.lit("f"))
    elif dtype == pl.Float64:
        text = pl.concat_str(pl.lit("d"), value.reinterpret(dtype=pl.UInt64).cast(pl.String), pl.lit(","))
    else:
        text = pl.concat_str(pl.lit("i"), value.cast(pl.String), pl.lit(","))
    return text.fill_null("~")


@cache
def dialogue_schema() -> pl.Schema:
    """Columns and types of a dialogue frame."""
    return polars_schema(Dialogue)
