"""A recipe's evaluation sets in a run: read once, looked for in every shard, and what each met."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from quimbot_data.decontamination.index import Rule, Sought, seek
from quimbot_data.decontamination.matching import MATCHES_SCHEMA, matches, summary
from quimbot_data.decontamination.sets import EvaluationSet, load_set
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import MissingError
from schemas.manifest import EvaluationLine
from schemas.recipe import Decontamination


@dataclass
class Contamination:
    """What is looked for, and all that was found.

    Attributes:
        sets: the recipe's, in its order.
        sought: none where the recipe names no set.
        found: rows of `matches`, of all shards.
    """

    sets: Sequence[EvaluationSet]
    sought: Sought | None
    found: pl.DataFrame

    @classmethod
    def load(cls, workspace: Workspace, asked: Decontamination) -> "Contamination":
        """Read the sets that a recipe names.

        Raises:
            MissingError: a set is not there.
            InputError: a set cannot be read, or holds no text.
        """
        sets = [load_set(_place(workspace, name), name) for name in asked.sets]
        rule = Rule(asked.ngram, min_words=min(asked.ngram, Rule.min_words))
        return cls(sets, seek(sets, rule) if sets else None, pl.DataFrame(schema=MATCHES_SCHEMA))

    def matches(self, ids: pl.Series, texts: pl.Series) -> pl.DataFrame:
        """Rows of `matching.matches`."""
        return self.found.clear() if self.sought is None else matches(self.sought, ids, texts)

    def digests(self) -> dict[str, str]:
        """Each set's digest by its name."""
        return {one.name: one.digest for one in self.sets}

    def lines(self) -> list[EvaluationLine]:
        """What each set met."""
        if self.sought is None:
            return []
        return [EvaluationLine(**row) for row in summary(self.sought, self.found).to_dicts()]

    def texts(self, count: int) -> list[str]:
        """Texts of up to `count` items that are looked for by n-gram, at most 40 words of each."""
        if self.sought is None:
            return []
        long = pl.col("words").list.len() >= 2 * self.sought.rule.n
        texts = [one.texts.filter(long)["words"].list.head(40).list.join(" ") for one in self.sets]
        return pl.concat(texts).head(count).to_list()


def _place(workspace: Workspace, name: str) -> Path:
    """Where a set lies: a version of the workspace, or a file or folder below `evaluation/`."""
    if "@" in name:
        ref = Ref.parse(name)
        workspace.version_manifest(ref)
        return workspace.version(ref)
    folder = workspace.root / "evaluation"
    place = folder / name
    if not place.exists():
        held = ", ".join(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else "none"
        raise MissingError(
            f"{place} does not exist: the recipe decontaminates against it.",
            valid=f"Evaluation sets there: {held}.",
            next_step="Copy the set there, or take it out of the recipe's [decontaminate].",
        )
    return place
