"""Dialogues as token ids and loss mask: ChatML by `quimbot.jinja`, of which this module is the fast twin.

    <|im_start|>user⏎Hello<|im_end|>⏎<|im_start|>assistant⏎Hi!<|endoftext|>
                                                          ^^^^^^^^^^^^^^^^ trained

Qwen3-Base never trained `<|im_end|>`, so an adapter might not learn to stop with it (QwenLM/Qwen3#1608): assistant
turns end in `<|endoftext|>`, which the base knows. A learner's or system's words are encoded together with their
header, as a server encodes them; an assistant's by themselves, as a model writes them. So the prompt is a prefix of
the full rendering, whatever an answer begins with; and marks such as `<|im_end|>` within a message are plain text.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

#: Opens a turn; closes one that is not the assistant's; closes the assistant's. One token each.
START: Final = "<|im_start|>"
END: Final = "<|im_end|>"
STOP: Final = "<|endoftext|>"
#: What a server stops at: the trained end, and the one that chat models write.
STOPS: Final = (STOP, END)
#: Label of a token that is not trained on.
IGNORED: Final = -100

Message = Mapping[str, str]
"""`role` and `content`, as a version's rows hold them."""


class Span(NamedTuple):
    """Tokens `[start, end)` of the assistant turn at `position` in the messages, its stop token included."""

    position: int
    start: int
    end: int


@dataclass(frozen=True)
class Rendered:
    """A dialogue as the model sees it.

    Attributes:
        ids: token ids.
        spans: assistant turns that are trained on, in order.
        ends: where each exchange ends: after every assistant turn, trained on or not.
        cut: exchanges left out at the end, so that the rest fits.
    """

    ids: list[int]
    spans: list[Span]
    ends: list[int]
    cut: int = 0

    def cut_to(self, most: int) -> "Rendered":
        """As many whole exchanges from the beginning as fit; none of them may."""
        if len(self.ids) <= most:
            return self
        ends = [end for end in self.ends if end <= most]
        last = ends[-1] if ends else 0
        spans = [span for span in self.spans if span.end <= last]
        return Rendered(self.ids[:last], spans, ends, self.cut + len(self.ends) - len(ends))

    def mask(self) -> list[bool]:
        """Whether each token is trained on."""
        trained = [False] * len(self.ids)
        for _, start, end in self.spans:
            trained[start:end] = [True] * (end - start)
        return trained

    def labels(self) -> list[int]:
        """The id of each token that is trained on, `IGNORED` elsewhere; not shifted, as transformers takes them."""
        return [token if trained else IGNORED for token, trained in zip(self.ids, self.mask(), strict=True)]


def render(
    messages: Sequence[Message],
    untrained: Sequence[int],
    tokenizer: "PreTrainedTokenizerFast",
    most: int | None = None,
) -> Rendered:
    """Render one dialogue.

    Args:
        messages: roles and contents; system only first, then user and assistant in turn.
        untrained: positions of assistant turns kept out of the loss.
        tokenizer: see `train.models.load_tokenizer`.
        most: tokens that the rendering may have; what is longer loses whole exchanges at its end.

    Raises:
        ModelError: the tokenizer lacks one of the template's marks.
    """
    return next(render_all([(messages, untrained)], tokenizer, most))


def render_all(
    dialogues: Sequence[tuple[Sequence[Message], Sequence[int]]],
    tokenizer: "PreTrainedTokenizerFast",
    most: int | None = None,
) -> Iterator[Rendered]:
    """Render dialogues, all texts encoded in one batch; see `render`."""
    marks = marks_of(tokenizer)
    encoded = iter(_encode(tokenizer, [_text(message) for messages, _ in dialogues for message in messages]))
    for messages, untrained in dialogues:
        parts = [(message["role"], next(encoded)) for message in messages]
        rendered = _joined(parts, untrained, marks)
        yield rendered if most is None else rendered.cut_to(most)


def prompt_ids(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerFast") -> list[int]:
    """Ids of a dialogue up to where the assistant's next turn begins; a prefix of the rendering with that turn."""
    return [*render(messages, [], tokenizer).ids, *marks_of(tokenizer).opening]


@dataclass(frozen=True)
class Marks:
    """What stands around texts, as ids: `separator` between turns, `header` before an assistant's text."""

    start: int
    end: int
    stop: int
    separator: list[int]
    header: list[int]

    @property
    def opening(self) -> list[int]:
        """From the end of a turn to where the assistant's begins."""
        return [*self.separator, *self.header]


@cache
def marks_of(tokenizer: "PreTrainedTokenizerFast") -> Marks:
    """The template's marks in a tokenizer.

    Raises:
        ModelError: it lacks one of them.
    """
    vocabulary = tokenizer.get_vocab()
    lacking = [mark for mark in (START, END, STOP) if mark not in vocabulary]
    if lacking:
        raise ModelError(
            f"The tokenizer lacks {', '.join(lacking)}, which the chat template is made of.",
            valid="Qwen's and SmolLM2's have them.",
            next_step="Choose a base whose tokenizer knows ChatML.",
        )
    start, end, stop = (vocabulary[mark] for mark in (START, END, STOP))
    newline, role = _encode(tokenizer, ["\n", "assistant\n"])
    return Marks(start, end, stop, newline, [start, *role])


def template_text() -> str:
    """The chat template, Jinja."""
    return (files("train") / "quimbot.jinja").read_text(encoding="utf-8")


def template_hash() -> str:
    """sha256 of the chat template: stands in every run's record."""
    return hashlib.sha256(template_text().encode()).hexdigest()


def _text(message: Message) -> str:
    return message["content"] if message["role"] == "assistant" else f"{message['role']}\n{message['content']}"


def _encode(tokenizer: "PreTrainedTokenizerFast", texts: list[str]) -> list[list[int]]:
    backend = tokenizer.backend_tokenizer
    backend.no_padding()  # as a batch that was generated from may have left it
    backend.no_truncation()
    before = backend.encode_special_tokens
    backend.encode_special_tokens = True  # "<|im_end|>" that a learner typed is six tokens, not one
    try:
        return [found.ids for found in backend.encode_batch_fast(texts, add_special_tokens=False)]
    finally:
        backend.encode_special_tokens = before


def _joined(parts: Sequence[tuple[str, list[int]]], untrained: Sequence[int], marks: Marks) -> Rendered:
    """Texts between marks."""
    ids: list[int] = []
    spans: list[Span] = []
    ends: list[int] = []
    for position, (role, text) in enumerate(parts):
        if position:
            ids += marks.separator
        if role != "assistant":
            ids += [marks.start, *text, marks.end]
            continue
        ids += marks.header
        start = len(ids)
        ids += [*text, marks.stop]
        ends.append(len(ids))
        if position not in untrained:
            spans.append(Span(position, start, len(ids)))
    return Rendered(ids, spans, ends)
