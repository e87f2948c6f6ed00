"""`quimbot synth seeds`: what seeds there are, and seeds out of corpora."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import JsonOption, WorkspaceOption, opened
from quimbot_data.terminal import counted, note, print_json, print_table, say
from schemas.errors import InputError, TermsError

if TYPE_CHECKING:
    from quimbot_data.licenses import Rights
    from quimbot_data.workspace import Workspace
    from schemas.seed import Seed
    from synth.learner_errors.sentences import LearnerSentence, Skipped

app = typer.Typer(
    name="seeds", help="Learner errors that dialogues grow from.", no_args_is_help=True, rich_markup_mode="rich"
)

_COLUMNS = ("language", "family", "seeds", "heritage", "l2", "generalizable", "variation")


@app.command("list")
def list_seeds(
    file: Annotated[
        Path | None, typer.Argument(help="JSON Lines of `seeds extract`; without it, the shipped banks.")
    ] = None,
    language: Annotated[list[str] | None, typer.Option(help="Only this language; repeatable.")] = None,
    json: JsonOption = False,
) -> None:
    """Count seeds by language, family and the background of the learners of whom they are typical."""
    from synth.seeds import load_seeds, read_seeds

    if file is None:
        found = load_seeds(language)
    else:
        found = [seed for seed in read_seeds(file) if not language or seed.language in language]
    rows = _counts(found)
    if json:
        print_json([dict(zip(_COLUMNS, row, strict=True)) for row in rows])
    else:
        print_table(f"{len(found):,} seeds", _COLUMNS, rows)


@app.command()
def extract(
    context: typer.Context,
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="m2, pairs, cowsl2h, or toefl11.")],
    path: Annotated[
        Path | None,
        typer.Argument(help="File or folder; of toefl11, whose essays the workspace holds, the corrections, if any."),
    ] = None,
    *,
    output: Annotated[Path, typer.Option(help="JSON Lines to write, a seed a line, for `synth generate --seeds`.")],
    license_id: Annotated[
        str | None, typer.Option("--license", help="Of the file: an SPDX expression, or LicenseRef-NAME.")
    ] = None,
    terms: Annotated[
        list[str] | None,
        typer.Option(help="Terms beyond those that the licence implies, or none, as of `ingest`; repeatable."),
    ] = None,
    attribution: Annotated[
        str | None, typer.Option(help="What the corpus asks to be printed with anything that is made of it.")
    ] = None,
    name: Annotated[str | None, typer.Option("--as", help="The corpus in seed ids; default the file's name.")] = None,
    language: Annotated[str | None, typer.Option(help="Subtag of the texts; default the format's own.")] = None,
    words: Annotated[
        bool,
        typer.Option(
            "--words/--no-words",
            help="Give English seeds a recast, questions, a cue and a contrast where those pass the critics, so that "
            "the grammar engine can use them, too.",
        ),
    ] = True,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Extract seeds from a corpus: one learner error each, everything else in the sentence put right.

    Licence and terms go with every seed into what is made of it. Seeds under no-transfer are written below the
    workspace only. After a takedown of essays, extract again: a purge does not look into files of seeds.
    """
    from quimbot_data.workspace import atomic
    from synth.learner_errors.extract import seeds_from, write_lines
    from synth.learner_errors.wording import worded

    place = opened(context, workspace)
    rights = _rights(form, license_id, terms)
    if form == "toefl11":
        corpus, sentences = form, _essays(place, path, rights)
    else:
        corpus, sentences = _file(form, path, name, language, rights)
    skipped: Counter[str] = Counter()
    found = list(seeds_from(corpus, sentences, skipped, _attribution(form, attribution)))
    if not found:
        raise InputError(
            f"No seeds in {path or place.corpus(form)}. {_skips(skipped) if skipped else 'It holds no sentences.'}",
            next_step=f"Is it {form}, and of learners? Formats: m2, pairs, cowsl2h, toefl11.",
        )
    _refuse_transfer(found, output, place)
    if words:
        found = list(worded(found))
    with atomic(output.absolute()) as stream:
        stream.write(write_lines(found))
    _report(found, skipped, output, json=json)


def _rights(form: str, license_id: str | None, terms: list[str] | None) -> "Rights | None":
    """Licence and terms of the files; None where none are stated."""
    from quimbot_data.licenses import Rights, licence_named, terms_of
    from synth.learner_errors import FORMATS

    if form not in (*FORMATS, "toefl11"):
        raise InputError(f"There is no format {form!r}.", valid=f"Formats: {', '.join(FORMATS)}, toefl11.")
    stated = license_id or (FORMATS[form].license if form in FORMATS else None)
    if stated:
        return Rights(licence_named(stated), terms_of(stated, terms))
    if terms:
        raise InputError("Terms without a licence.", next_step="Add --license.")
    return None


def _attribution(form: str, told: str | None) -> str:
    """That of the format's own corpus where none is stated; TOEFL11's stands in the dossier of its source."""
    from synth.learner_errors import FORMATS

    return told or (FORMATS[form].attribution if form in FORMATS else "")


def _essays(place: "Workspace", path: Path | None, rights: "Rights | None") -> "Iterable[LearnerSentence | Skipped]":
    from synth.learner_errors import toefl11

    if path is not None and rights is None:
        raise InputError("Corrections need a licence, too.", next_step="TOEFL-Spell's is --license CC-BY-SA-4.0.")
    return toefl11.read(place, path, rights)


def _file(
    form: str, path: Path | None, name: str | None, language: str | None, rights: "Rights | None"
) -> "tuple[str, Iterable[LearnerSentence | Skipped]]":
    """What the corpus is called, and its sentences."""
    import re

    from schemas.fields import SOURCE_PATTERN
    from synth.learner_errors import FORMATS, reader

    if path is None or rights is None:
        raise InputError(
            f"{form} needs {'a file or folder' if path is None else 'the licence of the file'}.",
            next_step=f"Example: quimbot synth seeds extract {form} PATH --license CC-BY-SA-4.0 --output seeds.jsonl",
        )
    corpus = name or re.sub(r"[^a-z0-9._-]+", "-", path.absolute().stem.lower())
    if not re.fullmatch(SOURCE_PATTERN, corpus):
        raise InputError(
            f"{corpus!r} cannot name a corpus.", valid="Small letters, digits, - . _", next_step="--as NAME"
        )
    return corpus, reader(form)(path, language or FORMATS[form].language, rights)


def _refuse_transfer(seeds: "list[Seed]", output: Path, place: "Workspace") -> None:
    inside = output.absolute().resolve().is_relative_to(place.root.resolve())
    if not inside and any("no-transfer" in seed.terms for seed in seeds):
        raise TermsError(
            f"These seeds are under no-transfer, and {output} lies outside of the workspace.",
            next_step=f"Write them below it, e.g. --output {place.root / 'seeds' / 'toefl11.jsonl'}.",
        )


def _report(seeds: "list[Seed]", skipped: Counter[str], output: Path, *, json: bool) -> None:
    from synth.fitting import usable

    rows, with_words = _counts(seeds), sum(map(usable, seeds))
    if json:
        families = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        detected = sum(seed.detected for seed in seeds)
        written = {"output": str(output), "seeds": len(seeds), "detected": detected, "worded": with_words}
        print_json(written | {"families": families, "skipped": dict(sorted(skipped.items()))})
        return
    print_table(f"{output}: {counted(len(seeds), 'seed')}", _COLUMNS, rows)
    say(_skips(skipped))
    if detected := sum(seed.detected for seed in seeds):
        note(f"{counted(detected, 'seed')} found by rule: nobody corrected them.")
    others = "" if with_words == len(seeds) else "; the others are for --engine llm"
    say(f"{with_words:,} of {len(seeds):,} seeds have words for the offline engine{others}.")


def _skips(skipped: Counter[str]) -> str:
    """What gave no seed, in a sentence."""
    told = ", ".join(f"{reason} {count:,}" for reason, count in skipped.most_common())
    found = counted(skipped.total(), "sentence or error", "sentences or errors")
    return f"{found} gave no seed: {told}." if told else "Every error gave a seed."


def _counts(seeds: "list[Seed]") -> list[tuple[str | int, ...]]:
    """One row a language and family, in the order of `_COLUMNS`."""
    rows: list[tuple[str | int, ...]] = []
    for language, family in sorted({(seed.language, seed.family) for seed in seeds}):
        group = [seed for seed in seeds if (seed.language, seed.family) == (language, family)]
        by_background = [sum(background in seed.backgrounds for seed in group) for background in ("heritage", "l2")]
        marks = [sum(seed.generalizable for seed in group), sum(seed.is_variation for seed in group)]
        rows.append((language, family, len(group), *by_background, *marks))
    return rows
