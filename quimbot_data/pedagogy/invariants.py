"""What must hold of a scaffolding dialogue: fifteen invariants by name, and what a critic says where one is broken."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Scope = Literal["dialogue", "batch"]
#: What a check must know: the messages alone; annotations of turns, errors and learner; other dialogues and splits.
Needs = Literal["messages", "pedagogy", "batch"]


@dataclass(frozen=True)
class Invariant:
    """One named check. An invariant that speaks of dialogues and of batches has a check of each scope."""

    name: str
    number: int
    scope: Scope
    needs: Needs
    says: str


_ALL: Final = (
    Invariant("structure", 1, "dialogue", "messages", "roles alternate, tutor last, 4 to 12 messages; spans are true"),
    Invariant(
        "explicit-correction", 2, "dialogue", "messages", "no verdict, directive, rule recital, X → Y or “X, not Y”"
    ),
    Invariant("recast", 3, "dialogue", "pedagogy", "the correction in context, then a question about meaning"),
    Invariant("question", 4, "dialogue", "pedagogy", "asks about the error or its context, correction not told"),
    Invariant("hint", 5, "dialogue", "pedagogy", "a cue of the error's family, correction not told"),
    Invariant("explore", 6, "dialogue", "pedagogy", "both variants unmarked, and which"),
    Invariant("one-target", 7, "dialogue", "pedagogy", "one error a turn; after two failed supports a narrower one"),
    Invariant("uptake", 8, "dialogue", "pedagogy", "every strategy is followed by what the learner made of it"),
    Invariant("simplify", 9, "dialogue", "pedagogy", "after confusion the same in fewer and easier words"),
    Invariant("slow-response", 10, "dialogue", "pedagogy", "after a slow response a shorter turn with a way in"),
    Invariant("level", 11, "dialogue", "pedagogy", "words and sentences within the learner's reach"),
    Invariant("questions", 12, "dialogue", "messages", "never more than two questions a turn"),
    Invariant(
        "background", 13, "dialogue", "pedagogy", "variation, code-switching and the learner respected; L2 rules"
    ),
    Invariant("cultural-note", 14, "dialogue", "pedagogy", "at most one, of a named region, hedged"),
    Invariant("explore-order", 6, "batch", "batch", "the right variant first in .45 to .55 of each split"),
    Invariant("repair-rate", 8, "batch", "batch", "repair rates below 100 %, lowest after recasts"),
    Invariant("question-rate", 12, "batch", "batch", "error turns end in a question in .50 to .75"),
    Invariant("mirroring-rate", 13, "batch", "batch", "code-switching is mirrored at the configured rate"),
    Invariant("splits", 15, "batch", "batch", "no seed, sentence, template or dialogue in two splits"),
)
#: By name, in the order of the specification, those over a dialogue first.
INVARIANTS: Final = {each.name: each for each in _ALL}
DIALOGUE_CHECKS: Final = tuple(each.name for each in _ALL if each.scope == "dialogue")
BATCH_CHECKS: Final = tuple(each.name for each in _ALL if each.scope == "batch")


class Failure(NamedTuple):
    """A broken invariant: its name, the message that breaks it (None where it is no one message), and what was found.

    `detail` is a sentence in English that a writer, a person or a model, can mend the turn by.
    """

    name: str
    position: int | None
    detail: str
