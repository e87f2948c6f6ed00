"""The report of an evaluation, in Markdown: losses, what is said, forgetting, the judge, samples side by side."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from quimbot_data.card.markdown import code, count, plain, table
from schemas.run import RunRecord
from train.evaluate.bootstrap import SAMPLES, Interval
from train.evaluate.judge import Judgement
from train.evaluate.likelihoods import Likelihood
from train.evaluate.measures import MEASURES
from train.evaluate.replies import Asked, Reply
from train.evaluate.results import Evaluation, Losses
from train.evaluate.whole import WHOLE

#: Prompts of each set whose answers are shown.
SHOWN: Final = 2


def report(record: RunRecord, found: Evaluation, asked: Sequence[Asked], replies: Sequence[Reply]) -> str:
    """An evaluation in Markdown."""
    models = found.models
    parts = [
        f"# Evaluation of {record.run}\n",
        *_head(record, found),
        *(line for losses in found.losses for line in _losses(losses)),
        *(_measures(found) if found.measures else []),
        *(_judged(found.judgement) if found.judgement else []),
        *_samples(asked, replies, models),
        *_how(found),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _head(record: RunRecord, found: Evaluation) -> Iterator[str]:
    links = [code(link.name) for link in record.lineage]
    yield f"{' → '.join([*links, code(record.run)])}: {count(record.steps_done)} steps on {plain(record.version)}, "
    yield f"id {code(record.version_id[:16])}.\n"
    for line in (line for line in found.losses[0].lines if line.by == "all"):
        change = line.change[-1]
        verdict = {-1: "lower", 0: "not clearly different", 1: "higher"}[change.side]
        yield f"On dialogues held out of training its loss is **{verdict}**: {_signed(change)} nats a token.\n"


def _losses(losses: Losses) -> Iterator[str]:
    yield f"## Losses on the test split of {plain(losses.version)}{losses.why}\n"
    columns = ["Group", ">Dialogues", ">Tokens", *(f">{plain(model)}" for model in losses.models)]
    columns += [f">{plain(model)} − base" for model in losses.models[1:]]
    columns += [f">Bits a byte, {plain(losses.models[0])} → {plain(losses.models[-1])}"]
    yield table(columns, [_loss_row(line) for line in losses.lines]) + "\n"
    if any(line.by == "held out" for line in losses.lines):
        yield "Languages marked *held out* were kept out of training altogether, and stand in no other line.\n"
    if losses.plot:
        yield f"![Change of the loss by group]({losses.plot})\n"


def _loss_row(line: Likelihood) -> list[str]:
    name = {"all": "**all**", "family": plain(line.name)}.get(line.by, f"{line.by} {code(line.name)}")
    values = [f"{each.value:.3f}" for each in line.nll]
    bits = [each.shown(".3f") for each in (line.bpb[0], line.bpb[-1])]
    return [name, count(line.dialogues), count(line.tokens), *values, *map(_signed, line.change), " → ".join(bits)]


def _signed(told: Interval) -> str:
    return told.shown("+.3f").replace("-", "−")


def _plain(told: Interval | None) -> str:
    return "–" if told is None else told.shown(".2f").replace("-", "−")


def _measures(found: Evaluation) -> Iterator[str]:
    measured, models = found.measures, found.models
    yield "## What is said\n"
    columns = ["Measure", "Of", ">Answers", *(f">{plain(model)}" for model in models), "Good"]
    rows = [
        [
            each.measure.replace("_", " "),
            "all" if each.language == "all" else code(each.language),
            count(max(each.units)),
            *map(_plain, each.values),
            MEASURES[each.measure].good if each.language == "all" else "",
        ]
        for each in measured
    ]
    yield table(columns, rows) + "\n"
    for name in dict.fromkeys(each.measure for each in measured):
        yield f"- {name.replace('_', ' ')}: {MEASURES[name].says}."
    yield "\n![Measures under each model](plots/measures.png)\n"
    yield "Of all answers at once:\n"
    overall = [
        [each.measure.replace("_", " "), *map(_number, each.values), WHOLE[each.measure][1]] for each in found.whole
    ]
    yield table(("Measure", *(f">{plain(model)}" for model in models), "Good"), overall) + "\n"
    for each in found.whole:
        yield f"- {each.measure.replace('_', ' ')}: {WHOLE[each.measure][0]}."
    yield ""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _judged(found: Judgement) -> Iterator[str]:
    yield "## Judge\n"
    told = found.preferred
    yield f"{plain(found.judge)} at {plain(found.endpoint)} judged {found.read} of {len(found.preferences)} pairs, "
    yield f"each in both orders, and was of one mind on {found.consistent}."
    if told:
        yield f"The adapter's answer was preferred in {_plain(told)} of them, a tie counting half.\n"


def _samples(asked: Sequence[Asked], replies: Sequence[Reply], models: Sequence[str]) -> Iterator[str]:
    """Answers to a few prompts of each set, chosen by hash: nobody picked them."""
    if asked:
        yield "## Samples\n"
    said: Mapping[tuple[str, str, int], Reply] = {(each.model, each.prompt, each.turn): each for each in replies}
    by_set: dict[str, list[Asked]] = {}
    for each in sorted(asked, key=lambda each: hashlib.sha256(each[1].id.encode()).hexdigest()):
        by_set.setdefault(each[0], []).append(each)
    for prompts in by_set.values():
        for set_name, prompt in prompts[:SHOWN]:
            yield f"**{set_name}, {code(prompt.id)}**\n"
            for message in prompt.messages:
                yield f"> {'Learner' if message.role == 'user' else 'Tutor'}: {plain(message.content)}\n>"
            yield ""
            rows = [[plain(model), _answer(said[model, prompt.id, 0])] for model in models]
            yield table(("Model", "Answer"), rows) + "\n"


def _answer(reply: Reply) -> str:
    return (plain(" ".join(reply.text.split())) or "(nothing)") + ("" if reply.stopped else " …")


def _how(found: Evaluation) -> Iterator[str]:
    yield "## How it was measured\n"
    yield (
        f"Losses are of the assistant's tokens that are trained on, the ends of turns included. Intervals hold 95 % of "
        f"{SAMPLES:,} bootstrap samples of whole dialogues, or of prompts; all models are drawn together. One alone "
        f"has none; where all values are the same, as of few they may be, it has no width and says nothing of others. "
        f"Answers are greedy, at most {found.tokens} tokens; one that goes on is cut, and shown with “…”. Measures are "
        f"those of `quimbot_data.pedagogy`; prompts in Mandarin, Arabic and African languages are not yet reviewed by "
        f"native teachers."
    )
    if found.most:
        yield f"Of each split at most {count(found.most)} dialogues were scored, a random sample."
