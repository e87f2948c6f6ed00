"""The Modelfile: how Ollama finds the weights, renders a chat, and knows where an answer ends."""

from collections.abc import Sequence

from schemas.errors import ModelError
from train.export.go_template import go_template

_QUOTES = '"""'


def modelfile(weights: str, jinja: str, stops: Sequence[str], license_text: str, context: int) -> str:
    """A Modelfile.

    Args:
        weights: the GGUF file, relative to the Modelfile.
        jinja: the chat template that training used.
        stops: texts that end an answer.
        license_text: what Ollama shows as the licence.
        context: tokens of context that the model was trained for.

    Raises:
        ModelError: the template cannot be translated, or a text cannot be quoted.
    """
    template = go_template(jinja)
    lines = [f"FROM ./{weights}", f"TEMPLATE {_quoted(template)}"]
    lines += [f'PARAMETER stop "{stop}"' for stop in stops]
    lines += [f"PARAMETER num_ctx {context}", f"LICENSE {_quoted(license_text)}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    if _QUOTES in text:
        raise ModelError(
            "A text for the Modelfile holds three quotation marks, which end it.", next_step="Take them out."
        )
    return f"{_QUOTES}{text}{_QUOTES}"
