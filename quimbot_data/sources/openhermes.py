"""OpenHermes-2.5: a million synthetic instructions and chats, mostly by GPT-4, compiled from some twenty data sets.

Who       Teknium (2023)
Where     https://huggingface.co/datasets/teknium/OpenHermes-2.5, `openhermes2_5.json`: one JSON array of 1.94 GB with
          1,001,551 rows
Licence   none is declared for the whole; rows out of LMSYS data fall under LMSYS's terms, which forbid any transfer
One row   {"conversations": [{"from": "human", "value": "Name a fruit.", "weight": null},
                             {"from": "gpt", "value": "A pear.", "weight": null}],
           "source": "airoboros2.2", "category": "orca", "id": null, "system_prompt": null, "language": null, …}

Columns are sparse: any may be null or absent. System text stands in the turns, in `system_prompt`, or nowhere. A
`weight` of 0 keeps an assistant turn out of the loss; weights of other turns mean nothing here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from quimbot_data.hub import HubFiles
from quimbot_data.licenses import Rights, joined
from quimbot_data.sources import lmsys
from quimbot_data.sources.files import raw_files
from quimbot_data.sources.records import mappings, records
from quimbot_data.sources.source import Corpus, Dossier, Normalized, Options, RawBatch, drafts, rejects
from quimbot_data.sources.turns import Refusal, assemble, read_turns

DOSSIER: Final = Dossier(
    name="openhermes",
    title="OpenHermes-2.5",
    family="instruction",
    license="LicenseRef-OpenHermes-2.5",
    terms=("unknown",),
    url="https://huggingface.co/datasets/teknium/OpenHermes-2.5",
    obtain="Open: `quimbot fetch openhermes` (1.94 GB).",
    hub=HubFiles("teknium/OpenHermes-2.5", ("openhermes2_5.json",)),
    attribution="OpenHermes-2.5 (Teknium 2023); no licence is declared for the whole.",
)

#: Magpie also has `conversations`, and one of these.
_FOREIGN: Final = frozenset({"uuid", "conversation_id", "gen_input_config", "gen_input_configs"})


def recognizes(columns: frozenset[str]) -> bool:
    """Whether these may be OpenHermes columns: only `conversations` is in every row."""
    return "conversations" in columns and not columns & _FOREIGN


def read(paths: Sequence[Path]) -> Iterator[RawBatch]:
    """JSON (one array, or lines) or Parquet, batch by batch.

    Raises:
        InputError: see `records.records`.
    """
    for file in raw_files(paths, (".json", ".jsonl", ".parquet", ".gz")):
        yield from records(file)


def normalize(batch: RawBatch, options: Options) -> Normalized:
    """One dialogue a row, or a reject named by the turn policies (`turns`)."""
    told, refused, repaired = [], [], Counter[str]()
    for part, row in enumerate(mappings(batch)):
        draft = _draft(row, part, options, repaired)
        if isinstance(draft, Refusal):
            refused.append((part, *draft))
        else:
            told.append(draft)
    return Normalized(drafts(told), rejects(refused), dict(repaired))


def _draft(row: Mapping[str, Any], part: int, options: Options, repaired: Counter[str]) -> dict[str, Any] | Refusal:
    conversation = row.get("conversations")
    turns = read_turns(conversation)
    dialogue = turns if isinstance(turns, Refusal) else assemble(turns, _text(row.get("system_prompt")))
    if isinstance(dialogue, Refusal):
        return dialogue
    repaired.update(dialogue.repairs)
    raw_id = _text(row.get("id"))
    return {
        "key": raw_id,
        "parts": [part],
        "messages": dialogue.messages,
        "untrained": dialogue.untrained([turn.get("weight") != 0 for turn in conversation or ()]),
        "language_declared": _text(row.get("language")),
        **_rights(from_lmsys(row.get("source")))._asdict(),
        "provenance": {"raw_id": raw_id, "revision": options.revision, "lineage": None, "derived": None},
    }


@cache
def _rights(of_lmsys: bool) -> Rights:
    """Rows that LMSYS collected stay under its terms, wherever they went."""
    return joined(lmsys.DOSSIER.rights(), DOSSIER.rights()) if of_lmsys else DOSSIER.rights()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def from_lmsys(source: object) -> bool:
    """Whether a `source` names LMSYS data, however it is spelled: `lmsys1m`, `LMSys Chatbot Arena`, `lmsys-chat-1m`.

    >>> from_lmsys("LMSys Chatbot Arena"), from_lmsys("chatbot_arena"), from_lmsys("airoboros2.2")
    (True, True, False)
    """
    if not isinstance(source, str):
        return False
    letters = "".join(filter(str.isalnum, source)).casefold()
    return "lmsys" in letters or "chatbotarena" in letters


CORPUS: Final = Corpus(DOSSIER, read, normalize, recognizes)
