"""A run's model as transformers reads it, its adapter merged in."""

from pathlib import Path
from typing import TYPE_CHECKING

from quimbot_data.workspace import Workspace, atomic, writing
from schemas.errors import ModelError
from schemas.run import RunRecord
from train.export.go_template import served_template
from train.models import load_config
from train.render import marks_of, template_text
from train.variants import adapted, load, tokenizer_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def merge(workspace: Workspace, record: RunRecord, folder: Path) -> "PreTrainedTokenizerFast":
    """Write a run's model with its adapter merged in, in the base's own precision, and its tokenizer.

    The merge itself is done in float32 on the CPU, so that the same run gives the same bytes on any machine.

    Raises:
        ModelError: merging gave weights that are no numbers.
    """
    variant = adapted(workspace, record)
    try:
        merged = load(variant, exact=True).merge_and_unload(safe_merge=True)  # type: ignore[operator]
    except ValueError as error:
        raise ModelError(
            f"The adapter of {record.run} cannot be merged: {error}",
            next_step=f"Look at its losses, in runs/{record.run}/metrics.jsonl or the view `steps` of `quimbot sql`.",
        ) from error
    tokenizer = tokenizer_of(record)
    marks = marks_of(tokenizer)
    merged.generation_config.eos_token_id = [marks.stop, marks.end]
    merged.generation_config.pad_token_id = tokenizer.pad_token_id
    merged.config.eos_token_id, merged.config.pad_token_id = marks.stop, tokenizer.pad_token_id
    stored = load_config(variant.weights, variant.revision).dtype or merged.dtype
    with writing(folder):
        merged.to(stored).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        # For servers, which know no `generation` blocks; transformers renders the same by it.
        with atomic(folder / "chat_template.jinja") as stream:
            stream.write(served_template(template_text()).encode())
    return tokenizer
