"""Column types for the models, as Arrow has them.

Apart from `schemas.frame`, which needs polars: a query is answered sooner where that is not loaded.
"""

import types
import typing
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
import pyarrow as pa
from pydantic import BaseModel

_INT32_MAX = 2**31 - 1


def arrow_schema(model: type[BaseModel]) -> pa.Schema:
    """The Arrow schema that files of this model carry: columns in field order."""
    return pa.schema(_fields(model))


def annotation(field: Any) -> tuple[Any, tuple[Any, ...]]:
    """A model field's type, and what constrains it."""
    return field.annotation, tuple(field.metadata)


def unwrap(kind: Any, metadata: tuple[Any, ...] = ()) -> tuple[Any, tuple[Any, ...], bool]:
    """Strip `Annotated` and `| None`: the bare type, its constraints, and whether null is allowed."""
    optional = False
    while True:
        origin = get_origin(kind)
        if origin is typing.Annotated:
            kind, *more = get_args(kind)
            metadata = (*metadata, *more)
        elif origin in (Union, types.UnionType):
            optional = True
            (kind,) = (arg for arg in get_args(kind) if arg is not type(None))
        else:
            return kind, metadata, optional


def bounds(metadata: tuple[Any, ...]) -> tuple[float | None, float | None]:
    """The least and the greatest number that the constraints allow."""
    low = high = None
    for constraint in flat(metadata):
        if isinstance(constraint, annotated_types.Ge):
            low = typing.cast(float, constraint.ge)
        elif isinstance(constraint, annotated_types.Le):
            high = typing.cast(float, constraint.le)
    return low, high


def flat(metadata: tuple[Any, ...]) -> list[Any]:
    """Constraints one by one, where Pydantic bundles some."""
    found: list[Any] = []
    for constraint in metadata:
        found.extend(getattr(constraint, "metadata", None) or [constraint])
    return found


def _fields(model: type[BaseModel]) -> list[pa.Field]:
    return [pa.field(name, _type(*annotation(field))) for name, field in model.model_fields.items()]


def _type(kind: Any, metadata: tuple[Any, ...] = ()) -> pa.DataType:
    bare, constraints, _ = unwrap(kind, metadata)
    if get_origin(bare) is list:
        return pa.large_list(_type(get_args(bare)[0]))  # large, as polars writes lists and text
    if get_origin(bare) is Literal or bare is str:
        return pa.large_string()
    if bare is bool:
        return pa.bool_()
    if bare is float:
        return pa.float64()
    if bare is int:
        return pa.int32() if bounds(constraints)[1] == _INT32_MAX else pa.int64()
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return pa.struct(_fields(bare))
    raise TypeError(f"no column type for {kind!r}")
