"""`runs/RUNLOG.md`: one entry a run, newest first, made of the records; what was interrupted or went badly stays."""

import os
from typing import Final

from quimbot_data.workspace import Workspace, atomic
from schemas.run import ADAPTER_WEIGHTS, RunRecord

NAME: Final = "RUNLOG.md"
_TITLE: Final = "# Training runs\n\nMade of each run's `run.json`; written anew whenever a run ends.\n"


def write_runlog(workspace: Workspace) -> None:
    """Write the log of all runs of a workspace."""
    told = [record.model_copy(update={"status": workspace.run_status(record)}) for record in workspace.runs()]
    newest_first = sorted(told, key=lambda record: (record.started, record.run), reverse=True)
    path = workspace.root / "runs" / NAME
    mine = path.with_name(f"{os.getpid()}-{NAME}")  # another run may end at this moment
    with atomic(mine) as stream:
        stream.write("\n".join([_TITLE, *map(entry, newest_first)]).encode())
    mine.replace(path)


def entry(record: RunRecord) -> str:
    """A run in Markdown: what it was made of, how it went, what it saw."""
    title = [record.recipe.title, ""] if record.recipe.title else []
    return "\n".join([f"## {record.run}", "", *title, *_facts(record), "", *_seen(record)])


def _facts(record: RunRecord) -> list[str]:
    asked, adapter = record.recipe.optimization, record.recipe.adapter
    lineage = " → ".join([*(link.name for link in record.lineage), record.run])
    loss = "" if record.final_loss is None else f", loss {record.final_loss:.4f} over the last tenth"
    weights = record.adapter.get(ADAPTER_WEIGHTS)
    told = {
        "Status": f"{record.status}, {record.steps_done:,} of {record.steps:,} steps in {record.seconds:,.0f} s{loss}",
        "When": f"{record.started} to {record.finished or '…'}",
        "Data": f"{record.version}, id {record.version_id[:16]}, for {record.use} use",
        "Lineage": f"stage {record.stage}: {lineage}",
        "Adapter": f"rank {adapter.rank}, alpha {adapter.alpha}, dropout {adapter.dropout:g}"
        + (f", sha256 {weights[:16]}" if weights else ""),
        "Steps": f"{asked.batch} rows of {asked.max_length:,} tokens, {asked.learning_rate:g} {asked.schedule}",
        "On": f"{record.device}, {record.precision}, seed {record.seed}",
        "Code": f"{_code(record.git_revision)}; " + _versions(record),
        "Hashes": f"recipe {record.recipe_sha256[:12]}, template {record.template_sha256[:12]}, "
        f"tokenizer {record.tokenizer_sha256[:12]}, rows {record.data_sha256[:12]}",
    }
    return [f"- {name}: {text}" for name, text in told.items()]


def _code(revision: str | None) -> str:
    return revision[:12] + ("+ (changed files)" if revision.endswith("+") else "") if revision else "installed"


def _versions(record: RunRecord) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(record.packages.items()))


def _seen(record: RunRecord) -> list[str]:
    if not record.families:
        return ["It saw nothing.", ""]
    rows = [
        f"| {seen.family} | {seen.dialogues:,} | {seen.tokens:,} | {seen.trained_tokens:,} |"
        for seen in record.families
    ]
    return ["| family | dialogues | tokens | trained tokens |", "| --- | ---: | ---: | ---: |", *rows, ""]
