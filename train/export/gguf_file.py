"""A model folder as one GGUF file, for llama.cpp and Ollama.

Tensors are read, brought to their type and written one at a time, so a file larger than the memory can be made.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from schemas.errors import ModelError
from train.export.architectures import add_shape, architecture_of, arranged, cutting_rule

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGMLQuantizationType, GGUFWriter

    Array = np.ndarray[Any, np.dtype[Any]]

GgufType = Literal["F16", "Q8_0"]
GGUF_TYPES: Final[tuple[GgufType, ...]] = ("F16", "Q8_0")
#: Weights of one block of Q8_0, which share a scale.
_BLOCK: Final = 32


def write_gguf(
    model: Path,
    target: Path,
    kind: GgufType,
    *,
    name: str,
    stops: tuple[int, int],
    facts: Mapping[str, str],
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Write a model folder (`config.json`, `tokenizer.json`, safetensors) as GGUF.

    Matrices become `kind`; vectors stay F32, and so does a matrix in F16 whose rows do not fill blocks of Q8_0.

    Args:
        model: the folder; its chat template is copied into the file.
        target: the file to write; it is complete and on disk when this returns.
        kind: type of the matrices.
        name: what the model calls itself.
        stops: ids of the token that ends a turn and of the one that ends other turns.
        facts: `license`, `description` and the like, by their key in `general.*`.
        progress: told tensors as they are written, and how many there are.

    Raises:
        ModelError: an architecture or tokenizer that this export does not know.
    """
    import numpy as np
    from gguf import GGUFWriter, LlamaFileType
    from gguf.quants import quant_shape_to_byte_shape

    config: dict[str, Any] = json.loads((model / "config.json").read_text("utf-8"))
    writer = GGUFWriter(target, architecture_of(config).name)
    writer.add_name(name)
    for key, value in sorted(facts.items()):
        writer.add_string(f"general.{key}", value)
    add_shape(writer, config)
    writer.add_file_type(LlamaFileType.MOSTLY_F16 if kind == "F16" else LlamaFileType.MOSTLY_Q8_0)
    _add_vocabulary(writer, model, config, stops)
    shapes = list(_shapes(model))
    names = _names(config)
    for tensor, shape in shapes:
        as_type = _type_of(shape, kind)
        in_bytes = quant_shape_to_byte_shape(shape, as_type)
        writer.add_tensor_info(names[tensor], in_bytes, np.dtype(np.uint8), math.prod(in_bytes), raw_dtype=as_type)
    tensors = (_stored(model, tensor, kind, config) for tensor, _ in shapes)
    _write(writer, tensors, lambda done: progress(done, len(shapes)))


def _write(writer: "GGUFWriter", tensors: "Iterator[Array]", progress: Callable[[int], None]) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for done, tensor in enumerate(tensors, 1):
        writer.write_tensor_data(tensor)
        progress(done)
    writer.flush()
    writer.close()


def _names(config: Mapping[str, Any]) -> "Mapping[str, str]":
    """Names in transformers to names in GGUF."""
    from gguf import MODEL_ARCH, TensorNameMap, get_tensor_name_map

    kinds = {"qwen3": MODEL_ARCH.QWEN3, "llama": MODEL_ARCH.LLAMA}
    found: TensorNameMap = get_tensor_name_map(kinds[str(config["model_type"])], config["num_hidden_layers"])

    class _Names(dict[str, str]):
        def __missing__(self, name: str) -> str:
            named = found.get_name(name, try_suffixes=(".weight", ".bias"))
            if named is None:
                raise ModelError(f"The tensor {name} has no name in GGUF.", next_step="Export as safetensors.")
            return named

    return _Names()


def _files(model: Path) -> list[Path]:
    return sorted(model.glob("*.safetensors"))


def _shapes(model: Path) -> Iterator[tuple[str, list[int]]]:
    """Tensors with their shapes, sorted by file and name."""
    from safetensors import safe_open

    for path in _files(model):
        with safe_open(path, framework="pt") as stored:
            yield from ((name, list(stored.get_slice(name).get_shape())) for name in sorted(stored.keys()))


def _stored(model: Path, name: str, kind: GgufType, config: Mapping[str, Any]) -> "Array":
    """The bytes of a tensor in its type, row by row."""
    import numpy as np
    from gguf.quants import quantize
    from safetensors import safe_open

    for path in _files(model):
        with safe_open(path, framework="pt") as stored:
            if name in stored.keys():  # noqa: SIM118 - it is no mapping
                weights = arranged(architecture_of(config), name, stored.get_tensor(name).float().numpy(), config)
                return np.ascontiguousarray(quantize(weights, _type_of(list(weights.shape), kind))).view(np.uint8)
    raise ModelError(f"{model} lost the tensor {name} while it was read.", next_step="Export again.")


def _type_of(shape: list[int], kind: GgufType) -> "GGMLQuantizationType":
    from gguf import GGMLQuantizationType as Type

    if len(shape) < 2:
        return Type.F32
    return Type.Q8_0 if kind == "Q8_0" and shape[-1] % _BLOCK == 0 else Type.F16


def _add_vocabulary(writer: "GGUFWriter", model: Path, config: Mapping[str, Any], stops: tuple[int, int]) -> None:
    """Tokens by id, filled up to the width of the embedding; merges; special ids; the chat template."""
    from gguf import TokenType

    tokenizer: dict[str, Any] = json.loads((model / "tokenizer.json").read_text("utf-8"))
    size = int(config["vocab_size"])
    tokens = [f"[PAD{place}]" for place in range(size)]
    kinds = [TokenType.UNUSED] * size
    for token, place in tokenizer["model"]["vocab"].items():
        tokens[place], kinds[place] = token, TokenType.NORMAL
    for added in tokenizer["added_tokens"]:
        tokens[added["id"]] = added["content"]
        kinds[added["id"]] = TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(cutting_rule(tokenizer))
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(stops[0])
    writer.add_eot_token_id(stops[1])
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    template = model / "chat_template.jinja"
    if template.exists():
        writer.add_chat_template(template.read_text("utf-8"))
