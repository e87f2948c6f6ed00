"""What a corpus module made of some raw files, with every raw row accounted for."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quimbot_data.sources.source import DRAFT_SCHEMA, ORIGIN_SCHEMA, REJECT_SCHEMA, TEXT_SCHEMA, Corpus, Options

DATA = Path(__file__).parent / "data"


@dataclass
class Told:
    """Dialogues and texts hold `from`, their raw rows as (file, row), in place of `parts`; refused rows likewise."""

    dialogues: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[tuple[str, int, str]] = field(default_factory=list)
    repaired: Counter[str] = field(default_factory=Counter)
    carried: Counter[tuple[str, int]] = field(default_factory=Counter)
    raw_rows: list[tuple[str, int]] = field(default_factory=list)

    @property
    def reasons(self) -> Counter[str]:
        return Counter(reason for _, _, reason in self.rejected)


def tell(corpus: Corpus, *paths: Path, revision: str | None = None) -> Told:
    """Read and normalize, checking the contract: schemas, and each raw row carried or refused exactly once."""
    told = Told()
    for batch in corpus.read(paths):
        assert batch.origins.schema == ORIGIN_SCHEMA
        assert batch.origins.height == len(batch.rows)
        places = batch.origins.rows()
        out = corpus.normalize(batch, Options(revision))
        assert out.dialogues.schema == DRAFT_SCHEMA
        assert out.rejected.schema == REJECT_SCHEMA
        assert out.texts is None or out.texts.schema == TEXT_SCHEMA
        carried = Counter()
        for frame, into in ((out.dialogues, told.dialogues), (out.texts, told.texts)):
            for row in frame.to_dicts() if frame is not None else []:
                parts = row.pop("parts")
                assert parts
                carried.update(parts)
                into.append(row | {"from": [list(places[part]) for part in parts]})
        refused = [(row["part"], row["reason"]) for row in out.rejected.to_dicts()]
        assert sorted([*carried, *(part for part, _ in refused)]) == list(range(len(places)))
        told.rejected += [(*places[part], reason) for part, reason in refused]
        told.raw_rows += places
        told.carried.update({places[part]: count for part, count in carried.items()})
        told.repaired.update(batch.repaired)
        told.repaired.update(out.repaired)
        if batch.unreadable is not None:
            told.rejected += [(row["raw_file"], row["raw_row"], row["reason"]) for row in batch.unreadable.to_dicts()]
            told.raw_rows += batch.unreadable.select("raw_file", "raw_row").rows()
    assert len(set(told.raw_rows)) == len(told.raw_rows)
    return told


def expected(name: str) -> list[dict[str, Any]]:
    """Rows of `data/expected/<name>.jsonl`."""
    lines = (DATA / "expected" / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]
