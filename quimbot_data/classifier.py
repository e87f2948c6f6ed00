"""Safety scores by a transformers classifier that lies in a local folder: for dialogues whose corpus labels nothing.

Optional: `pip install 'quimbot-data[classify]'`. Nothing here loads torch or transformers before a model is loaded, and
nothing is downloaded: the folder is what `save_pretrained` wrote of a sequence classifier and its tokenizer. The model
gives scores and decides nothing: what a score means is the recipe's to say (`[safety.scores]`).
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quimbot_data.flat import flatten
from quimbot_data.workspace import file_digest
from schemas.dialogue import Safety
from schemas.errors import InputError, MissingError
from schemas.fields import LEAST_SCORE
from schemas.frame import polars_schema

_SAFETY: Final = polars_schema(Safety)
#: Dialogues whose messages are sorted by length together, so that few tokens are padding.
_DIALOGUES: Final = 1_024
#: Messages a forward pass.
_MESSAGES: Final = 32
#: Tokens that are read of a message, where the model takes that many.
_TOKENS: Final = 512


@dataclass(frozen=True)
class Classifier:
    """A sequence classifier. Thread-safe: forward passes take turns.

    Attributes:
        name: folder name and first twelve hex digits of the sha256 over its files.
        labels: what it tells apart, in the order of its outputs.
    """

    name: str
    labels: Sequence[str]
    _tokenizer: Any
    _model: Any
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def score(self, dialogues: pl.DataFrame, tell: Callable[[int], None] = lambda rows: None) -> pl.DataFrame:
        """Dialogues with every message's scores in `safety` where that was null; other rows as they are.

        Args:
            dialogues: rows of a corpus.
            tell: called with the number of dialogues that were scored since the last call.
        """
        bare, parts = dialogues.filter(pl.col("safety").is_null()), []
        for part in bare.iter_slices(_DIALOGUES):
            parts.append(self._scored(part))
            tell(part.height)
        if not parts:
            return dialogues
        rows = dialogues.join(pl.concat(parts), on="dialogue_id", how="left", maintain_order="left")
        return rows.with_columns(safety=pl.coalesce("safety", "scored")).drop("scored")

    def _scored(self, dialogues: pl.DataFrame) -> pl.DataFrame:
        flat = flatten(dialogues["messages"])
        values = self.probabilities(flat.contents.to_list())
        message, label = np.nonzero(values >= LEAST_SCORE)
        row = np.searchsorted(flat.offsets, message, side="right") - 1
        scores = pl.DataFrame(
            {
                "row": row,
                "position": message - flat.offsets[row],
                "category": np.array(self.labels, object)[label],
                "score": values[message, label],
            },
            schema_overrides={"position": pl.Int32, "category": pl.String},
        )
        by_row = (
            scores.sort("row", "position", "category")
            .group_by("row", maintain_order=True)
            .agg(scores=pl.struct("position", "category", "score"))
        )
        held: dict[str, Any] = {
            **{"flagged": False, "categories": [], "label": None, "rules_of_thumb": [], "flagged_positions": []},
            "classifier": self.name,
        }
        columns = [pl.lit(value, _SAFETY[name]).alias(name) for name, value in held.items()]
        found = dialogues.select("dialogue_id", row=pl.int_range(pl.len()))
        found = found.join(by_row, on="row", how="left", maintain_order="left").with_columns(*columns)
        filled = found.with_columns(pl.col("scores").cast(_SAFETY["scores"]).fill_null([]))
        return filled.select("dialogue_id", scored=pl.struct(list(_SAFETY)))

    def probabilities(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Texts x labels: a softmax, or sigmoids where the model's labels do not exclude each other.

        Four decimals are kept: beyond, it shows what a text was padded with. Of a long text the first 512 tokens are
        read, or fewer where the model takes fewer.
        """
        found = np.zeros((len(texts), len(self.labels)))
        order = sorted(range(len(texts)), key=lambda at: (len(texts[at]), texts[at]))
        for start in range(0, len(order), _MESSAGES):
            places = order[start : start + _MESSAGES]
            with self._turn:
                found[places] = self._forward([texts[at] for at in places])
        return found.round(4)

    def _forward(self, texts: list[str]) -> npt.NDArray[np.float64]:
        import torch

        most = min(_TOKENS, self._tokenizer.model_max_length, *_positions(self._model.config))
        encoded = self._tokenizer(texts, padding=True, truncation=True, max_length=most, return_tensors="pt")
        with torch.inference_mode():
            logits = self._model(**encoded).logits.double()
        several = self._model.config.problem_type == "multi_label_classification"
        values: npt.NDArray[np.float64] = (logits.sigmoid() if several else logits.softmax(-1)).numpy()
        return values


def load_classifier(folder: Path) -> Classifier:
    """Load a model from its folder.

    Raises:
        MissingError: torch or transformers is not installed, or there is no such folder.
        InputError: the folder holds no sequence classifier with its tokenizer.
    """
    if not (folder / "config.json").is_file():
        raise MissingError(
            f"{folder} is no model: it holds no config.json.", valid="A folder that `save_pretrained` wrote is."
        )
    for package in ("torch", "transformers"):
        if find_spec(package) is None:
            raise MissingError(f"{package} is not installed.", next_step="Run `pip install 'quimbot-data[classify]'`.")
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]  # that of loading would draw over ours

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model, told = AutoModelForSequenceClassification.from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder} cannot be loaded as a sequence classifier: {error}.",
            next_step="Save model and tokenizer into it with `save_pretrained`.",
        ) from error
    if told["missing_keys"]:  # transformers would fill them with random numbers, and go on
        raise InputError(
            f"{folder} holds no trained classifier: {', '.join(sorted(told['missing_keys']))} are missing.",
            next_step="Save the fine-tuned model, not its base.",
        )
    names = model.config.id2label
    return Classifier(
        f"{folder.resolve().name}@{_digest(folder)[:12]}", [names[at] for at in sorted(names)], tokenizer, model.eval()
    )


def _positions(config: Any) -> list[int]:
    """Most tokens that the model's position embeddings allow; RoBERTa's keep the first two for padding."""
    most = getattr(config, "max_position_embeddings", None)
    return [most - 2] if most else []


def _digest(folder: Path) -> str:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return hashlib.sha256("\n".join(f"{path.name} {file_digest(path)}" for path in files).encode()).hexdigest()
