"""Files and records of a version in Croissant's vocabulary.

Records are flat, since mlcroissant cannot iterate nested ones: a field of a struct stands under its path
(`provenance.revision`), and a list of structs becomes one list a field, in step (`messages.role`, `messages.content`).
Nothing is lost by it, and no text lies on the disk twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import polars as pl

from quimbot_data.card.markdown import count
from quimbot_data.sql.catalog import column_meanings
from quimbot_data.version import FATES_SCHEMA
from schemas.dialogue import Dialogue
from schemas.frame import polars_schema
from schemas.manifest import FileEntry, VersionManifest

Json = dict[str, Any]

_PARQUET: Final = "application/x-parquet"  # the one name of it that mlcroissant reads
#: The set of all data files.
_DATA: Final = "data"
_ALL_FILES: Final[Json] = {"fileSet": {"@id": _DATA}}
_SAID: Final = re.compile(r"dialogue_id$|messages\.")
_UNCHECKED: Final = "Of all files: readers hold the record sets of single files against their sha256, not this one."
_FATES_TOLD: Final = "One record a dialogue that the recipe looked at: kept, or dropped by a step for a reason."
_TYPES: Final[dict[type[pl.DataType], str]] = {
    pl.String: "sc:Text",
    pl.Boolean: "sc:Boolean",
    pl.Float64: "sc:Float",
    pl.Int32: "sc:Integer",
    pl.Int64: "sc:Integer",
}


def distribution(manifest: VersionManifest) -> list[Json]:
    """Every Parquet file with its sha256, and the set of all data files; a version without dialogues has no data."""
    files = [_file_object(entry) for entry in (*manifest.data, manifest.fates)]
    return [*files, _file_set()] if manifest.data else files


def _file_set() -> Json:
    return {
        "@type": "cr:FileSet",
        "@id": _DATA,
        "name": _DATA,
        "description": "The data files of all splits.",
        "encodingFormat": _PARQUET,
        "includes": "data/*.parquet",
    }


def _file_object(entry: FileEntry) -> Json:
    return {
        "@type": "cr:FileObject",
        "@id": entry.path,
        "name": entry.path,
        "description": f"{count(entry.rows)} rows.",
        "contentUrl": entry.path,
        "contentSize": f"{entry.bytes} B",
        "encodingFormat": _PARQUET,
        "sha256": entry.sha256,
    }


@dataclass(frozen=True)
class Leaf:
    """A flat field of a nested column.

    Attributes:
        path: the column, then the fields of structs down to the value.
        data_type: of one value.
        lists: how many lists a value stands in.
    """

    path: tuple[str, ...]
    data_type: str
    lists: int = 0

    @property
    def name(self) -> str:
        """The path, joined by dots."""
        return ".".join(self.path)


def leaves(schema: pl.Schema) -> list[Leaf]:
    """The flat fields of a frame, in the order of its columns."""
    return [leaf for column, dtype in schema.items() for leaf in _leaves((column,), dtype, 0)]


def _leaves(path: tuple[str, ...], dtype: pl.DataType, lists: int) -> Iterator[Leaf]:
    if isinstance(dtype, pl.List):
        yield from _leaves(path, cast(pl.DataType, dtype.inner), lists + 1)
    elif isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            yield from _leaves((*path, field.name), cast(pl.DataType, field.dtype), lists)
    else:
        yield Leaf(path, _TYPES[type(dtype)], lists)


def record_sets(manifest: VersionManifest) -> list[Json]:
    """All dialogues, what was said in them, the dialogues of each file, and the fates.

    Readers take a set of files as it is; a single file they hold against its sha256 first. So the sets `dialogues` and
    `messages` are for reading, and the one of each file, with the same fields, is for who wants it checked on the way.
    """
    dialogues, fates = _named(leaves(polars_schema(Dialogue))), _named(leaves(FATES_SCHEMA))
    said = {name.removeprefix("messages."): leaf for name, leaf in dialogues.items() if _SAID.match(name)}
    sets = [
        _record_set("dialogues", f"One record a dialogue. {_UNCHECKED}", _ALL_FILES, dialogues),
        _record_set("messages", f"Roles and contents of a dialogue, two lists in step. {_UNCHECKED}", _ALL_FILES, said),
        *(_of_file(entry, dialogues) for entry in manifest.data),
    ]
    kept_or_dropped = _record_set("fates", _FATES_TOLD, _in_file(manifest.fates), fates, view="fates")
    return [*sets, kept_or_dropped] if manifest.data else [kept_or_dropped]


def _named(columns: list[Leaf]) -> dict[str, Leaf]:
    return {leaf.name: leaf for leaf in columns}


def _in_file(entry: FileEntry) -> Json:
    return {"fileObject": {"@id": entry.path}}


def _of_file(entry: FileEntry, dialogues: dict[str, Leaf]) -> Json:
    name = Path(entry.path).stem
    return _record_set(name, f"One record a dialogue of {entry.path}.", _in_file(entry), dialogues)


def _record_set(name: str, told: str, source: Json, columns: dict[str, Leaf], view: str = "dialogues") -> Json:
    meanings = column_meanings(view)
    fields = [_field(f"{name}/{field}", leaf, source, meanings[leaf.path[0]]) for field, leaf in columns.items()]
    if view == "dialogues":
        fields.append(_split_field(name, source))
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": told,
        "key": {"@id": f"{name}/dialogue_id"},
        "field": fields,
    }


def _field(at: str, leaf: Leaf, source: Json, meaning: str) -> Json:
    column, *steps = leaf.path
    transform = {"transform": [{"jsonPath": step} for step in steps]} if steps else {}
    shape = {"isArray": True, "arrayShape": ",".join(["-1"] * leaf.lists)} if leaf.lists else {}
    return {
        "@type": "cr:Field",
        "@id": at,
        "name": at.partition("/")[2],
        "description": f"{'.'.join(steps)} of {column}: {meaning}" if steps else meaning,
        "dataType": leaf.data_type,
        **shape,
        "source": {**source, "extract": {"column": column}, **transform},
    }


def _split_field(record_set: str, source: Json) -> Json:
    return {
        "@type": "cr:Field",
        "@id": f"{record_set}/split",
        "name": "split",
        "description": "train, validation or test, as the file's name says",
        "dataType": ["sc:Text", "cr:Split"],
        "source": {**source, "extract": {"fileProperty": "filename"}, "transform": {"regex": "^([a-z]+)-"}},
    }
