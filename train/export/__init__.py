"""A finished run as files that others can run: safetensors, GGUF, an Ollama Modelfile, a card.

    runs/<run>/export/
        model.safetensors, config.json, tokenizer.json, chat_template.jinja …    as transformers reads them
        <run>-F16.gguf, <run>-Q8_0.gguf                                          as llama.cpp does
        Modelfile                                                                as Ollama does
        README.md                                                                card: lineage, licences, checks
        export.json                                                              what was made of what; goes last

The folder is made aside and gets its name when it is whole.
"""

import json
import os
import shutil
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from quimbot_data.observe import Counted, silent
from quimbot_data.workspace import (
    Workspace,
    atomic,
    file_digest,
    read_model,
    sync_folder,
    write_model,
    writing,
)
from schemas.errors import MissingError
from schemas.fields import Hash, NonEmpty, Strict
from schemas.run import RunRecord
from train.export.architectures import architecture_of, cutting_rule
from train.export.card import model_card
from train.export.gguf_file import GGUF_TYPES, GgufType, write_gguf
from train.export.lineage import base_licence, data_licences, runs_behind
from train.export.merging import merge
from train.export.modelfile import modelfile
from train.export.parity import Asked, Parity
from train.export.parity import compare as measured
from train.models import load_base, load_config
from train.prompts import prompt_set
from train.record import finished_run
from train.render import STOPS, marks_of, prompt_ids, template_text
from train.variants import adapted, check_base, tokenizer_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

EXPORT: Final = "export"
RECORD: Final = "export.json"
__all__ = ["FORMATS", "RECORD", "Format", "GgufType", "ModelExport", "export", "parity_prompts"]
#: Prompts of a comparison.
PARITY_PROMPTS: Final = 10
Format = Literal["safetensors", "gguf", "ollama"]
FORMATS: Final[tuple[Format, ...]] = ("safetensors", "gguf", "ollama")


class ModelExport(Strict):
    """`export.json`."""

    run: NonEmpty
    adapter: dict[str, Hash]
    base_license: str | None
    formats: list[Format]
    types: list[GgufType]
    parity: list[Parity] = Field(default_factory=list)
    """Empty where it was not asked for."""
    files: dict[str, Hash] = Field(default_factory=dict)


def export(
    workspace: Workspace,
    run: str,
    formats: Sequence[Format] = FORMATS,
    types: Sequence[GgufType] = GGUF_TYPES,
    *,
    compare: bool = True,
    license_id: str | None = None,
    progress: Counted = silent,
) -> ModelExport:
    """Merge a run's adapter into its base and write it in some formats; what is there already is kept.

    Args:
        workspace: of the run.
        run: finished.
        formats: `ollama` asks for `gguf`.
        types: of GGUF files.
        compare: whether to load GGUF files in llama.cpp and compare.
        license_id: of the base, where it does not say so itself.
        progress: told steps; within them tensors as they are written, and prompts as they are compared.

    Raises:
        ModelError: another base, or a model that GGUF cannot hold.
        MissingError: no such run, or llama.cpp is to compare and is not installed.
        WorkspaceError: the disk is full.
    """
    record = finished_run(workspace, run)
    wanted = ModelExport(
        run=run, adapter=record.adapter, base_license=license_id or base_licence(record.base.name),
        formats=[each for each in FORMATS if each in formats], types=[each for each in GGUF_TYPES if each in types],
    )  # fmt: skip
    final = workspace.run(run) / EXPORT
    with workspace.lock("export", run):
        if before := _same(final, wanted, compare=compare):
            return before
        check_base(record)
        if {"gguf", "ollama"} & set(wanted.formats):
            _check_gguf(workspace, record, compare=compare)
        with workspace.scratch("export", run) as folder:
            made = _written(workspace, record, wanted, folder, compare, progress)
            _publish(folder, final)
    return made


def _same(folder: Path, wanted: ModelExport, *, compare: bool) -> ModelExport | None:
    """The export that is there, where it is whole and what is wanted."""
    if not (folder / RECORD).exists():
        return None
    found = read_model(folder / RECORD, ModelExport)
    comparable = any(name.endswith(".gguf") for name in found.files)
    same = found.model_copy(update={"parity": [], "files": {}}) == wanted
    same = same and (bool(found.parity) or not (compare and comparable))
    whole = all((folder / name).exists() and file_digest(folder / name) == sha for name, sha in found.files.items())
    return found if same and whole else None


def _check_gguf(workspace: Workspace, record: RunRecord, *, compare: bool) -> None:
    """Hold, before anything is merged, that GGUF can hold the model, and that what compares is here.

    Raises:
        ModelError: it cannot.
        MissingError: llama.cpp is to compare, and is not installed.
    """
    variant = adapted(workspace, record)
    architecture_of(load_config(variant.weights, variant.revision).to_dict())
    cutting_rule(json.loads(tokenizer_of(record).backend_tokenizer.to_str()))
    if compare and find_spec("xllamacpp") is None:
        raise MissingError(
            "llama.cpp is to compare the GGUF files, and xllamacpp is not installed.",
            next_step="Run `pip install 'quimbot-data[train]'`, or export with --no-compare.",
        )


def _written(
    workspace: Workspace, record: RunRecord, wanted: ModelExport, folder: Path, compare: bool, progress: Counted
) -> ModelExport:
    progress("merge", 0)
    tokenizer = merge(workspace, record, folder)
    checks: list[Parity] = []
    ggufs = [f"{record.run}-{kind}.gguf" for kind in wanted.types] if {"gguf", "ollama"} & set(wanted.formats) else []
    for kind, name in zip(wanted.types, ggufs, strict=False):
        tell = partial(progress, f"{kind}, tensors")
        tell(0)
        marks = marks_of(tokenizer)
        facts = {"license": wanted.base_license} if wanted.base_license else {}
        with writing(folder):
            write_gguf(
                folder, folder / name, kind, name=record.run, stops=(marks.stop, marks.end), facts=facts, progress=tell
            )
    if compare and ggufs:
        checks = compared(folder, ggufs, tokenizer, progress)
    runs = runs_behind(workspace, record)
    licences = data_licences(workspace, runs)
    if "ollama" in wanted.formats:
        context = min(record.recipe.optimization.max_length, load_config(str(folder)).max_position_embeddings)
        text = modelfile(ggufs[-1], template_text(), STOPS, f"Base: {wanted.base_license or 'not stated'}", context)
        _write(folder / "Modelfile", text)
    if "safetensors" not in wanted.formats:
        for path in folder.glob("*.safetensors*"):
            path.unlink()
    held = sorted(path.name for path in folder.iterdir())
    _write(folder / "README.md", model_card(runs, licences, wanted.base_license, held, checks))
    files = {path.name: file_digest(path) for path in sorted(folder.iterdir())}
    made = wanted.model_copy(update={"parity": checks, "files": files})
    write_model(folder / RECORD, made)
    return made


def compared(
    folder: Path, files: Sequence[str], tokenizer: "PreTrainedTokenizerFast", progress: Counted
) -> list[Parity]:
    """Compare GGUF files with the model folder that they were made of."""
    model = load_base(str(folder))
    asked = parity_prompts(tokenizer)
    stops = (marks_of(tokenizer).stop, marks_of(tokenizer).end)
    found = []
    for name in files:
        tell = partial(progress, f"compare {name}, prompts")
        tell(0)
        quantized = not name.endswith("-F16.gguf")
        found.append(measured(model, folder / name, asked, stops, quantized=quantized, progress=tell))
    return found


def parity_prompts(tokenizer: "PreTrainedTokenizerFast") -> list[Asked]:
    """The first prompts of the set `scaffolding`, rendered."""
    found = []
    for prompt in prompt_set("scaffolding")[:PARITY_PROMPTS]:
        messages = [message.model_dump() for message in prompt.messages]
        ids = prompt_ids(messages, tokenizer)
        found.append(Asked(id=prompt.id, messages=messages, text=str(tokenizer.decode(ids)), ids=ids))
    return found


def _write(path: Path, text: str) -> None:
    with atomic(path) as stream:
        stream.write(text.encode())


def _publish(folder: Path, final: Path) -> None:
    """Give the finished folder its name, in place of what was there."""
    with writing(final.parent):
        for path in folder.iterdir():
            shutil.copymode(folder / RECORD, path)  # safetensors' are for their owner alone
            with path.open("rb+") as stream:
                os.fsync(stream.fileno())
        sync_folder(folder)
        if final.exists():
            shutil.rmtree(final)
        folder.rename(final)
        sync_folder(final.parent)
