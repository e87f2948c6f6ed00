"""One run of a recipe over a workspace's corpora: what it reads, held and checked, and what it counts."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from quimbot_data.buckets import NARROW_WEIGHT, Spill
from quimbot_data.clearance import clearances
from quimbot_data.decontamination import Contamination
from quimbot_data.observe import Progress, Steps
from quimbot_data.takedowns.exclusion import Exclusion
from quimbot_data.takedowns.ledger import LOCK
from quimbot_data.workspace import Workspace, new_folder
from schemas.clearance import Clearance
from schemas.errors import IntegrityError, MissingError, RecipeError
from schemas.fields import SCHEMA_VERSION
from schemas.manifest import CorpusManifest
from schemas.recipe import Recipe


@dataclass
class Run:
    """One run over a workspace's corpora: its inputs, its scratch space, and the counts that it fills."""

    workspace: Workspace
    recipe: Recipe
    corpora: dict[str, CorpusManifest]
    cleared: list[Clearance]
    contamination: Contamination
    exclusion: Exclusion
    scratch: Path
    threads: int
    progress: Steps
    given: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)
    """What each component can give after all steps but the mix: amount in the recipe's unit, that of its training rows,
    dialogues, tokens."""
    barred: dict[tuple[int, str, str], int] = field(default_factory=dict)
    """Dialogues that the profile does not admit, by component, source and term."""

    def shards(self) -> list[tuple[int, str, Path]]:
        """Every corpus file: running number, source, path."""
        files = [
            (source, self.workspace.corpus(source) / entry.path)
            for source, manifest in self.corpora.items()
            for entry in manifest.dialogues
        ]
        return [(number, source, path) for number, (source, path) in enumerate(files)]

    def spill(self, name: str) -> Spill:
        """An empty spill of this run."""
        return Spill(self.folder(name), NARROW_WEIGHT)

    def folder(self, name: str) -> Path:
        """An empty folder of this run's scratch space."""
        return new_folder(self.scratch / name)

    def available(self) -> list[int]:
        """What each component can give in the recipe's unit, repeats of its training rows included."""
        found = []
        for number, component in enumerate(self.recipe.components):
            once, training, _, _ = self.given.get(number, (0, 0, 0, 0))
            found.append(once + (component.max_epochs - 1) * training)
        return found


@contextmanager
def running(
    workspace: Workspace, recipe: Recipe, place: tuple[str, ...], threads: int, progress: Progress
) -> Iterator[Run]:
    """A run of a recipe: its corpora held, its evaluation sets read, a lock and a scratch folder named `place`.

    Raises:
        As `build`.
    """
    with (
        _reading(workspace, recipe) as corpora,
        workspace.lock(LOCK, shared=True),  # what is taken down meanwhile would be missed
        workspace.lock(*place),
        workspace.scratch(*place) as scratch,
    ):
        contamination, exclusion = Contamination.load(workspace, recipe.decontaminate), Exclusion.load(workspace)
        cleared = [each for each in clearances(workspace) if each.source in corpora]
        yield Run(workspace, recipe, corpora, cleared, contamination, exclusion, scratch, threads, Steps(progress))


@contextmanager
def _reading(workspace: Workspace, recipe: Recipe) -> Iterator[dict[str, CorpusManifest]]:
    """The recipe's corpora, held so that no ingest replaces one meanwhile."""
    _corpora(workspace, recipe)  # what is missing is told before anything is locked, which would make folders
    with ExitStack() as held:
        for source in recipe.sources():
            held.enter_context(workspace.lock("corpus", source, shared=True))
        yield _corpora(workspace, recipe)


def _corpora(workspace: Workspace, recipe: Recipe) -> dict[str, CorpusManifest]:
    corpora = {source: workspace.corpus_manifest(source) for source in recipe.sources()}
    _check_sources(recipe, corpora)
    _check_agreement(corpora)
    return corpora


def _check_agreement(corpora: dict[str, CorpusManifest]) -> None:
    """Hold that all corpora follow this schema and were counted by one tokenizer: a version states one of each."""
    first = next(iter(corpora.values()))
    for source, manifest in corpora.items():
        if manifest.schema_version != SCHEMA_VERSION:
            found = f"schema version {manifest.schema_version}, not {SCHEMA_VERSION}"
        elif manifest.tokenizer != first.tokenizer:
            found = f"tokens by {manifest.tokenizer.name}, and {first.source} others by {first.tokenizer.name}"
        else:
            continue
        raise IntegrityError(f"The corpus of {source} has {found}.", next_step=f"Run `quimbot ingest {source}` again.")


def _check_sources(recipe: Recipe, corpora: dict[str, CorpusManifest]) -> None:
    for number, component in enumerate(recipe.components, 1):
        for source in component.sources:
            manifest = corpora[source]
            if not manifest.dialogues and manifest.learner_texts:
                raise RecipeError(
                    f"Component {number} of {recipe.name} names {source}, which holds learner texts and no dialogues.",
                    next_step="Take it out: learner texts reach a mix through the dialogues generated from them.",
                )
            if manifest.family != component.family:
                raise RecipeError(
                    f"Component {number} of {recipe.name} asks for {component.family} from {source}, "
                    f"whose family is {manifest.family}.",
                    next_step="Move the source to a component of its family.",
                )
            if not manifest.dialogues:
                raise MissingError(
                    f"The corpus of {source} holds no dialogue: all its raw rows were refused.",
                    next_step="`quimbot sources` and the view `rejected` say why.",
                )
