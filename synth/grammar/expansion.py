"""Expanding rules by chance for one dialogue, which does not say the same thing twice.

`FOLDS` sets of alternatives take turns: dialogues of a seed use those of its fold alone, so that a critic fitted on the
other fold has seen neither the seed nor the words.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from synth.grammar.notation import Choice, Grammar, Rule, Sequence_, Slot, Text

#: Every other alternative of a rule belongs to one fold, the rest to the other.
FOLDS: Final = 2
#: Rules with fewer alternatives are shared: what is left would be one or none.
LEAST_TO_SHARE_OUT: Final = 6
#: Draws after which a text that a caller refuses is given up.
DRAWS: Final = 60


@dataclass
class Speaker:
    """Expands the rules of one grammar for one dialogue, and does not say the same thing twice.

    Attributes:
        grammar: the rules.
        chance: decides.
        forms: forms of rules that apply, the most specific first.
        fold: which alternatives it may use.
        slots: words of the scenario.
        chosen: every alternative that was used, in order: what the dialogue's template is.
    """

    grammar: Grammar
    chance: random.Random
    forms: Sequence[str]
    fold: int
    slots: dict[str, str]
    chosen: list[str] = field(default_factory=list)

    def say(self, rule: str) -> str | None:
        """One expansion, without alternatives that this dialogue used while there are others; None if none is found."""
        for _ in range(DRAWS):
            mark = len(self.chosen)
            text = self._rule(rule)
            if text is not None:
                return text
            del self.chosen[mark:]
        return None

    def holds(self, rule: str) -> bool:
        """Whether the grammar has a rule, in one of the forms or plainly."""
        return rule in self.grammar.rules or any(f"{rule}@{form}" in self.grammar.rules for form in self.forms)

    def _rule(self, name: str) -> str | None:
        full, alternatives = self.grammar.alternatives(name, self.forms)
        shared = len(alternatives) < LEAST_TO_SHARE_OUT
        own = [n for n in range(len(alternatives)) if shared or n % FOLDS == self.fold]
        fresh = [n for n in own if f"{full}:{n}" not in self.chosen] or own
        number = fresh[int(self.chance.random() * len(fresh))]
        self.chosen.append(f"{full}:{number}")
        return self._parts(alternatives[number])

    def _parts(self, parts: Sequence_) -> str | None:
        said = []
        for part in parts:
            text = self._part(part)
            if text is None:
                return None
            said.append(text)
        return "".join(said)

    def _part(self, part: Text | Slot | Rule | Choice) -> str | None:
        if isinstance(part, Text):
            return part.text
        if isinstance(part, Slot):
            return self.slots.get(part.name)
        if isinstance(part, Rule):
            return self._rule(part.name)
        number = int(self.chance.random() * len(part.options))
        return self._parts(part.options[number])
