"""Sample rows into the corpora's raw files: Parquet with the true column types, JSON in its three shapes, CSV and text.

Writers get open files and whole frames, so that the bytes never vary with one set of library versions.
"""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import polars as pl

from schemas.dialogue import Pedagogy, TemplateSpan
from schemas.frame import polars_schema

Sample = Mapping[str, Any]
Row = dict[str, Any]

#: What OpenAI's moderation endpoint told about each message when LMSYS asked it.
CATEGORIES: Final = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "self-harm", "self-harm/instructions"),
    *("self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic"),
)
TOEFL11_TEXT: Final = "ETS_Corpus_of_Non-Native_Written_English/data/text"

_STRINGS: Final = pl.List(pl.String)
_TURNS: Final = pl.List(pl.Struct({"from": pl.String(), "value": pl.String()}))
_LMSYS: Final[dict[str, pl.DataType]] = {
    "conversation": pl.List(pl.Struct({"content": pl.String(), "role": pl.String()})),
    "turn": pl.Int64(),
    "openai_moderation": pl.List(
        pl.Struct(
            {
                "categories": pl.Struct(dict.fromkeys(CATEGORIES, pl.Boolean())),
                "category_scores": pl.Struct(dict.fromkeys(CATEGORIES, pl.Float64())),
                "flagged": pl.Boolean(),
            }
        )
    ),
    "redacted": pl.Boolean(),
}
_MAGPIE: Final[dict[str, pl.DataType]] = {
    "conversations": _TURNS,
    "other_task_category": _STRINGS,
    **dict.fromkeys(("instruct_reward", "min_neighbor_distance"), pl.Float64()),
    **dict.fromkeys(("repeat_count", "instruction_length", "response_length"), pl.Int64()),
}
_WAXAL: Final[dict[str, pl.DataType]] = {"audio": pl.Struct({"bytes": pl.Binary(), "path": pl.String()})}
_SYNTHETIC: Final[dict[str, pl.DataType]] = {
    "license": _STRINGS,
    "terms": _STRINGS,
    "template": pl.List(pl.Struct(polars_schema(TemplateSpan))),
    "messages": pl.List(pl.Struct({"role": pl.String(), "content": pl.String()})),
    "pedagogy": pl.Struct(polars_schema(Pedagogy)),
}


def write_lmsys(folder: Path, samples: Sequence[Sample]) -> None:
    """Two of the six Parquet shards, moderation filled in."""
    for file, rows in _by_file(samples, _lmsys_row):
        _write_parquet(folder / file, rows, _LMSYS)


def write_magpie(folder: Path, samples: Sequence[Sample]) -> None:
    """One Parquet file a variant; a file called `.json` holds gzip-compressed JSON Lines."""
    for file, rows in _by_file(samples):
        if file.endswith(".parquet"):
            _write_parquet(folder / file, rows, _MAGPIE | _sampler_type(rows[0]))
        else:
            _write(folder / file, gzip.compress(_json_lines(map(_json, rows)), mtime=0))


def write_openhermes(folder: Path, samples: Sequence[Sample]) -> None:
    """One JSON array; the bell stands in it as a raw byte, as no JSON writer would put it."""
    for file, rows in _by_file(samples):
        array = "[" + ",\n".join(map(_json, rows)) + "]\n"
        _write(folder / file, _utf8(array.replace(r"\u0007", "\x07")))


def write_prosocial(folder: Path, samples: Sequence[Sample]) -> None:
    """JSON Lines in files called `.json`; a sample with `text` is that line as it stands."""
    for file, group in _grouped(samples):
        lines = (sample["text"] if "text" in sample else _json(sample["row"]) for sample in group)
        _write(folder / file, _json_lines(lines))


def write_toefl11(folder: Path, samples: Sequence[Sample]) -> None:
    """The LDC's layout: an index, and the essays as they were typed."""
    index = io.StringIO(newline="")
    writer = csv.writer(index, lineterminator="\n")
    writer.writerow(["Filename", "Prompt", "Language", "Score Level"])
    writer.writerows(sample["index"] for sample in samples if sample["index"] is not None)
    _write(folder / TOEFL11_TEXT / "index.csv", _utf8(index.getvalue()))
    for sample in samples:
        if sample["text"] is not None:
            _write(folder / toefl11_essay(sample), _utf8(sample["text"]))


def write_waxal(folder: Path, samples: Sequence[Sample]) -> None:
    """One Parquet file a configuration and split, each with an `audio` column that no reader may touch."""
    for file, rows in _by_file(samples, _with_audio):
        _write_parquet(folder / file, rows, _WAXAL)


def write_synthetic(folder: Path, samples: Sequence[Sample]) -> None:
    """One Parquet file as this project's generators write it."""
    for file, rows in _by_file(samples):
        _write_parquet(folder / file, rows, _SYNTHETIC)


def toefl11_file(sample: Sample) -> str:
    """The raw file that a TOEFL11 sample is a row of: the index, or an essay that the index does not name."""
    return toefl11_essay(sample) if sample["index"] is None else f"{TOEFL11_TEXT}/index.csv"


def toefl11_essay(sample: Sample) -> str:
    """Where a sample's essay is laid out."""
    return f"{TOEFL11_TEXT}/responses/original/{sample['essay']}"


# Rows


def _plain_row(sample: Sample) -> Row:
    return dict(sample["row"])


def _by_file(samples: Iterable[Sample], row_of: Callable[[Sample], Row] = _plain_row) -> list[tuple[str, list[Row]]]:
    return [(file, [row_of(sample) for sample in group]) for file, group in _grouped(samples)]


def _grouped(samples: Iterable[Sample]) -> list[tuple[str, list[Sample]]]:
    """Samples by file, files and samples in the order in which they stand."""
    files = list(dict.fromkeys(sample["file"] for sample in samples))
    ordered = sorted(samples, key=lambda sample: files.index(sample["file"]))
    return [(file, list(group)) for file, group in groupby(ordered, key=lambda sample: str(sample["file"]))]


def _lmsys_row(sample: Sample) -> Row:
    row, flagged = dict(sample["row"]), sample.get("flagged", {})
    messages = [dict(message) for message in row["conversation"]]
    if "repeat" in sample:
        position, times = sample["repeat"]
        messages[position]["content"] *= times
    moderation = [_moderation(flagged.get(str(position), ())) for position in range(len(messages))]
    filled = {"conversation": messages, "turn": len(messages) // 2, "openai_moderation": moderation}
    order = ("conversation_id", "model", "conversation", "turn", "language", "openai_moderation", "redacted")
    return {name: (row | filled)[name] for name in order if name in row or name in filled}


def _moderation(flagged: Sequence[str]) -> Row:
    return {
        "categories": {name: name in flagged for name in CATEGORIES},
        "category_scores": {name: 0.91 if name in flagged else 0.0004 for name in CATEGORIES},
        "flagged": bool(flagged),
    }


def _sampler_type(row: Row) -> dict[str, pl.DataType]:
    """The sampler's settings are a struct whose name and fields differ from variant to variant."""
    name = "gen_input_configs" if "gen_input_configs" in row else "gen_input_config"
    numbers = ("temperature", "top_p")
    fields = {key: pl.Float64() if key in numbers else pl.String() for key in row.get(name, numbers)}
    return {name: pl.Struct(fields)}


def _with_audio(sample: Sample) -> Row:
    row = sample["row"]
    path = row.get("file_name") or f"{row['id']}.wav"
    return dict(row) | {"audio": {"bytes": b"RIFF\0\0\0\0WAVE", "path": path}}


# Files


def _write_parquet(path: Path, rows: Sequence[Row], types: Mapping[str, pl.DataType]) -> None:
    """Columns of the first row, in its order; text where `types` names no other type."""
    schema = {name: types.get(name, pl.String()) for name in rows[0]}
    stream = io.BytesIO()
    pl.DataFrame(list(rows), schema=schema).rechunk().write_parquet(stream, compression="zstd", compression_level=3)
    _write(path, stream.getvalue())


def _json(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False)


def _json_lines(lines: Iterable[str]) -> bytes:
    return _utf8("".join(f"{line}\n" for line in lines))


def _utf8(text: str) -> bytes:
    """UTF-8; a lone surrogate, which it cannot hold, becomes its JSON escape."""
    return text.encode("utf-8", "backslashreplace")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
