"""The demo: bundled samples in their true raw layouts, through the whole path, in under a minute and offline."""

import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.observe import Progress
from quimbot_data.recipes import shipped_recipe
from quimbot_data.report import print_version
from quimbot_data.samples import lay_out
from quimbot_data.sources import SOURCES, refuse_other_corpora
from quimbot_data.sources.source import Options
from quimbot_data.sql.output import write_result
from quimbot_data.sql.query import run_query
from quimbot_data.terminal import note, print_table, progress, say
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import ExistsError
from schemas.manifest import CorpusManifest, VersionManifest
from schemas.recipe import Recipe

QUERY: Final = "SELECT language, count(*) AS dialogues FROM dialogues GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT 5"
FIRST: Final = Ref("demo", "0.1.0")


def run_demo(workspace: Workspace | None) -> None:
    """Lay the samples out, ingest, build, and print what came of it.

    Args:
        workspace: where to; a temporary folder if None. The samples' raw files go into its `raw/` where nothing is.
    """
    if workspace is None:
        workspace = Workspace(Path(tempfile.mkdtemp(prefix="quimbot-demo-")))
        note(f"The workspace is temporary: {workspace.root}")
    say("Raw corpora to dialogues")
    with progress("demo") as tell:
        corpora = [_ingest(workspace, source, folder, tell) for source, folder in _raw(workspace).items()]
    print_table(
        "", ("source", "raw rows", "refused", "dialogues", "learner texts"), [_row(corpus) for corpus in corpora]
    )
    say()
    recipe = shipped_recipe(FIRST.name)
    with progress("build") as tell:
        manifest = _built(workspace, recipe, tell)
    print_version(manifest)
    ref = Ref(manifest.name, manifest.version)
    say()
    say(f"Card: {workspace.version(ref) / 'README.md'}")
    say(f'quimbot sql --version {ref} "{QUERY}"')
    write_result(run_query(workspace, QUERY, version=ref), "table", sys.stdout)


def _built(workspace: Workspace, recipe: Recipe, tell: Progress) -> VersionManifest:
    """The version that the recipe made of the same rows before; else its first, or the one that is due where the name
    is taken."""
    held = [ref for ref in workspace.versions() if ref.name == recipe.name]
    if not held and not any(ref.name == recipe.name for ref in workspace.withdrawn()):
        return build(workspace, recipe, FIRST, progress=tell)[0]
    made = [ref for ref in held if workspace.recipe_of(ref) == recipe]
    with suppress(ExistsError):  # of other rows
        if made:
            return build(workspace, recipe, made[-1], progress=tell)[0]
    return build(workspace, recipe, None, progress=tell)[0]


def _raw(workspace: Workspace) -> dict[str, Path]:
    with tempfile.TemporaryDirectory(prefix="quimbot-samples-") as scratch:
        folders = lay_out(Path(scratch))
        for source, folder in folders.items():
            target = workspace.raw(source)
            if not target.exists():
                shutil.copytree(folder, target)
    return {source: workspace.raw(source) for source in folders}


def _ingest(workspace: Workspace, source: str, folder: Path, tell: Progress) -> CorpusManifest:
    corpus = SOURCES[source]
    refuse_other_corpora(corpus, [folder])
    return ingest(workspace, corpus, [folder], Options(revision="samples"), progress=tell)


def _row(corpus: CorpusManifest) -> list[str | int]:
    read = corpus.ledger[0]
    dialogues, texts = (sum(entry.rows for entry in files) for files in (corpus.dialogues, corpus.learner_texts))
    return [corpus.source, read.rows_in, read.rows_in - read.rows_out, dialogues, texts]
