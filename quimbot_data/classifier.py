"""Labels by a transformers classifier that lies in a local folder: for corpora that carry no safety labels.

Optional: `pip install 'quimbot-data[classify]'`. Nothing here loads torch or transformers before `classify` is called,
and nothing is downloaded: the folder is what `save_pretrained` wrote of a sequence classifier and its tokenizer.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import polars as pl

from schemas.errors import InputError, MissingError

SCHEMA: Final = pl.Schema({"label": pl.String(), "score": pl.Float64()})


def classify(texts: pl.Series, model_path: Path, *, batch_size: int = 32, max_tokens: int = 512) -> pl.DataFrame:
    """The label of each text and its probability.

    Args:
        texts: str; null and blank ones get null.
        model_path: the model's folder.
        batch_size: texts a forward pass; they are sorted by length first, so that few tokens are padding.
        max_tokens: what is read of a text.

    Returns:
        `label` and `score` (4 decimals: beyond, the padding of a batch shows), in the order of the texts. Of a
        multi-label model the likeliest label, which may be below one half.

    Raises:
        MissingError: torch or transformers is not installed, or there is no such folder.
        InputError: the folder holds no sequence classifier with its tokenizer.
    """
    tokenizer, model = _loaded(model_path)
    rows = pl.DataFrame({"text": texts.cast(pl.String)}).with_row_index("at")
    read = rows.filter(pl.col("text").str.contains(r"\S")).sort(pl.col("text").str.len_chars(), "text")
    parts = [_scored(tokenizer, model, part["text"].to_list(), max_tokens) for part in read.iter_slices(batch_size)]
    found = pl.DataFrame([row for part in parts for row in part], SCHEMA, orient="row").with_columns(read["at"])
    return rows.select("at").join(found, on="at", how="left", maintain_order="left").select(list(SCHEMA))


def _loaded(model_path: Path) -> tuple[Any, Any]:
    for package in ("torch", "transformers"):
        if find_spec(package) is None:
            raise MissingError(f"{package} is not installed.", next_step="Run `pip install 'quimbot-data[classify]'`.")
    if not (model_path / "config.json").is_file():
        raise MissingError(
            f"{model_path} is no model: it holds no config.json.",
            valid="A folder that `save_pretrained` wrote is.",
        )
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model_path, local_files_only=True)
        model = AutoModelForSequenceClassification.from_pretrained(model_path, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{model_path} cannot be loaded as a sequence classifier: {error}.",
            next_step="Save model and tokenizer into it with `save_pretrained`.",
        ) from error
    return tokenizer, model.eval()


def _scored(tokenizer: Any, model: Any, texts: list[str], max_tokens: int) -> list[tuple[str, float]]:
    import torch

    encoded = tokenizer(texts, padding=True, truncation=True, max_length=max_tokens, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**encoded).logits.float()
    several = model.config.problem_type == "multi_label_classification"
    scores, labels = (logits.sigmoid() if several else logits.softmax(-1)).max(-1)
    names = model.config.id2label
    return [(names[label], round(score, 4)) for label, score in zip(labels.tolist(), scores.tolist(), strict=True)]
