"""The card of an exported model, as the Hub reads it: lineage, data, licences, how to run it, how it was checked."""

from collections.abc import Iterator, Sequence

from quimbot_data.card.hub_names import hub_license
from quimbot_data.card.markdown import code, count, plain, table
from quimbot_data.licence_report import LicenceReport
from schemas.run import RunRecord
from train.export.parity import LEAST_EQUAL, MOST_KL, TOKENS, Parity
from train.render import STOPS

Licences = Sequence[LicenceReport | str]


def model_card(
    runs: Sequence[RunRecord],
    licences: Licences,
    base_license: str | None,
    files: Sequence[str],
    checks: Sequence[Parity],
) -> str:
    """A model card.

    Args:
        runs: the lineage, stage 1 first; the last is what is exported.
        licences: of each run's version.
        base_license: of the base; None where it is not known.
        files: weights beside the card.
        checks: of GGUF files.
    """
    record = runs[-1]
    sections = [
        f"---\n{_header(runs, licences, base_license)}\n---\n",
        f"# {record.run}\n",
        f"A language tutor that supports discovery and does not correct: {code(record.base.name)}, fine-tuned.\n",
        "## Lineage\n",
        _lineage(runs) + "\n",
        "## Licences\n",
        *_licences(licences, base_license, record),
        "## Running it\n",
        *_running(record, files),
        "## Checks\n",
        *_checks(checks),
    ]
    return "\n".join(sections).rstrip() + "\n"


def _header(runs: Sequence[RunRecord], licences: Licences, base_license: str | None) -> str:
    from huggingface_hub import ModelCardData

    name = _hub_licence(licences, base_license)
    return ModelCardData(
        base_model=runs[-1].base.name if "/" in runs[-1].base.name.strip("./") else None,
        library_name="transformers",
        pipeline_tag="text-generation",
        license=name,
        license_name=None if name != "other" else "see-licences-below",
        tags=["lora", "language-learning", "scaffolding", "quimbot"],
    ).to_yaml()


def _hub_licence(licences: Licences, base_license: str | None) -> str:
    """The one licence of base and data, where the Hub knows it."""
    named = {line.license for each in licences if isinstance(each, LicenceReport) for line in each.lines}
    found = {hub_license(each) for each in (named | {base_license or ""})}
    whole = len(found) == 1 and all(isinstance(each, LicenceReport) for each in licences)
    return (found.pop() or "other") if whole else "other"


def _lineage(runs: Sequence[RunRecord]) -> str:
    base = runs[0].base
    rows = [["base", code(base.name), "", code((base.revision or base.digest or "unknown")[:16]), ""]]
    for run in runs:
        how = run.recipe.parent.mode if run.recipe.parent else "fresh adapter"
        data = f"{plain(run.version)}, id {code(run.version_id[:16])}"
        weights = run.adapter.get("adapter_model.safetensors", "")[:16]
        rows.append(
            [
                f"stage {run.stage}",
                code(run.run),
                data,
                code(weights or "none"),
                f"{how}, {count(run.steps_done)} steps",
            ]
        )
    return table(("What", "Name", "Data", "sha256", "How"), rows)


def _licences(licences: Licences, base_license: str | None, record: RunRecord) -> Iterator[str]:
    yield f"Base: {plain(base_license) if base_license else 'its licence is not stated where it was found'}.\n"
    rows = [
        [
            plain(each.version),
            plain(line.source),
            plain(line.license),
            ", ".join(line.terms) or "–",
            count(line.dialogues),
        ]
        for each in licences
        if isinstance(each, LicenceReport)
        for line in each.lines
    ]
    yield "The dialogues that it was trained on are under:\n"
    yield table(("Version", "Source", "Licence", "Terms", ">Dialogues"), rows) + "\n"
    for gone in (each for each in licences if isinstance(each, str)):
        yield f"{plain(gone)} is not in this workspace any more: its licences are not told here.\n"
    yield f"The run was declared for {record.use} use."
    terms = {term for each in licences if isinstance(each, LicenceReport) for line in each.lines for term in line.terms}
    if barring := sorted(terms & {"non-commercial", "research-only", "unknown", "no-transfer"}):
        told = ", ".join(barring)
        yield f"Some of its data is {told}: whoever passes the weights on must judge whether that reaches them."
    yield ""
    for line in {
        each.text: each for report in licences if isinstance(report, LicenceReport) for each in report.attributions
    }:
        yield f"- {plain(line)}"
    yield ""


def _running(record: RunRecord, files: Sequence[str]) -> Iterator[str]:
    ends = " and ".join(f"`{stop}`" for stop in STOPS)
    yield f"The assistant's turns end in `{STOPS[0]}`; stop at {ends}. The chat template is among the files.\n"
    yield "```console"
    if any(name.endswith(".safetensors") for name in files):
        yield '$ python -c \'from transformers import pipeline; print(pipeline("text-generation", ".")(' + (
            '[{"role": "user", "content": "Yesterday I go home."}]))\''
        )
    if "Modelfile" in files:
        yield f"$ ollama create {record.run} -f Modelfile && ollama run {record.run}"
    yield "```\n"


def _checks(checks: Sequence[Parity]) -> Iterator[str]:
    if not checks:
        yield "The GGUF files were not compared with the safetensors.\n"
        return
    yield (
        f"Each GGUF file was loaded in llama.cpp and given prompts beside transformers on weights rounded to F16: "
        f"how many of the first {TOKENS} greedy tokens are equal, and how far the next-token distributions differ "
        f"(a lower bound, in nats a token). An F16 file must agree on {LEAST_EQUAL:.0%} of prompts, "
        f"another stay below {MOST_KL} nats.\n"
    )
    rows = [
        [
            code(each.file),
            f"{each.equal} of {len(each.prompts)}",
            f"{each.kl:.2e}",
            *map(str, (each.tokenizer_equal, each.template_equal)),
        ]
        for each in checks
    ]
    yield table(("File", ">Same answer", ">KL", ">Same tokens in", ">Same template in"), rows)
