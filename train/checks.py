"""What keeps a run from starting, found before any weight is loaded."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from quimbot_data.takedowns.holders import holders
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import IntegrityError, MissingError, MixError, ModelError, RecipeError, TermsError, WorkspaceError
from schemas.training import RunName, TrainRecipe
from train.models import load_config

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from train.plan import TrainPlan

#: Trackers of transformers that are packages of another name.
_TRACKERS: Final = {"comet_ml": "comet_ml", "mlflow": "mlflow", "swanlab": "swanlab", "azure_ml": "azureml"}

_OWN: Final = "Of a shipped one, `quimbot train recipes {} > mine.toml` makes one of your own."


def check_name(run: str) -> None:
    """Hold that a run may be called so: its name is that of its folder.

    Raises:
        RecipeError: it may not.
    """
    try:
        TypeAdapter(RunName).validate_python(run)
    except ValidationError as error:
        raise RecipeError(
            f"{run!r} is no name of a run.",
            valid="Small letters, digits, dots, hyphens and underscores, at most 64, a letter or digit first.",
            next_step="Give it another with --name.",
        ) from error


def check_version(workspace: Workspace, ref: Ref, recipe: TrainRecipe) -> None:
    """Hold that a version is whole, may be used so, and holds nothing that was taken down.

    Raises:
        MissingError: it is not here.
        IntegrityError: it is not what it was built as.
        TermsError: the use is not what its profile allows, or it holds rows that were taken down.
    """
    if ref not in (*workspace.versions(), *workspace.withdrawn()):
        built = ", ".join(map(str, workspace.versions())) or "none"
        raise MissingError(
            f"{workspace.root} holds no version {ref}.",
            valid=f"Built here: {built}.",
            next_step=f"Build it (`quimbot build {ref.name} --version {ref.version}`), or name another with --version.",
        )
    manifest = workspace.version_manifest(ref)
    if problems := verify(workspace, ref):
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise IntegrityError(
            f"{ref} is not what its manifest states: {problems[0]}{more}.",
            next_step=f"See `quimbot verify {ref}`, then build it again.",
        )
    profile = manifest.identity.recipe.profile
    if recipe.use == "commercial" and profile != "commercial":
        raise TermsError(
            f"{ref} was built under the profile {profile!r}: an adapter for commercial use may not learn from it.",
            valid='use = "research" takes any version, use = "commercial" one of the commercial profile.',
            next_step='Build a version with profile = "commercial", or train for research.',
        )
    if held := holders(workspace, ref):
        told = ", ".join(f"{entry} {rows:,}" for entry, rows in sorted(held.items()))
        raise TermsError(
            f"{ref} holds dialogues that were taken down ({told}), so nothing is trained on it.",
            next_step=f"Build it without them: `quimbot build {ref} --version {workspace.next_patch(ref)}`.",
        )


def check_trackers(recipe: TrainRecipe) -> None:
    """Hold that the trackers are installed.

    Raises:
        ModelError: one is not.
    """
    for tracker in recipe.report_to:
        package = _TRACKERS.get(tracker, tracker)
        if not package.isidentifier() or find_spec(package) is None:
            raise ModelError(
                f"report_to names {tracker!r}, which is not installed.",
                next_step=f"Run `pip install {package}`, or leave it out.",
            )


def check_vocabulary(recipe: TrainRecipe, tokenizer: "PreTrainedTokenizerFast") -> None:
    """Hold that the base has an embedding for every token, and one that can be trained where that is asked for.

    Raises:
        ModelError: the tokenizer has more tokens, or the embeddings that are to be trained are the head's, too.
    """
    config = load_config(recipe.base, recipe.base_revision).get_text_config()
    if len(tokenizer) > config.vocab_size:
        raise ModelError(
            f"{recipe.tokenizer or recipe.base} has {len(tokenizer):,} tokens, {recipe.base} embeds "
            f"{config.vocab_size:,}.",
            next_step=f"Leave `tokenizer` out of the recipe: the base's own is taken then. {_OWN.format(recipe.name)}",
        )
    if recipe.adapter.train_marks and config.tie_word_embeddings:
        raise ModelError(
            f"adapter.train_marks trains embeddings, and those of {recipe.base} are its head as well, which TRL's loss "
            "reads as plain weights.",
            valid="Bases whose head has weights of its own, such as Qwen3-8B-Base.",
            next_step=f"Set it to false in the recipe. {_OWN.format(recipe.name)}",
        )


def refuse_problems(plan: "TrainPlan") -> None:
    """Hold that nothing keeps the run from starting.

    Raises:
        MixError: the version lacks what the variant requires.
        WorkspaceError: the disk is too full.
    """
    short = [each for each in plan.requirements if each.shortfall]
    if short:
        raise MixError(
            " ".join(plan.problems),
            next_step=f"Add such dialogues and build a higher version than {plan.version}, or change [[requires]].",
        )
    if plan.problems:
        raise WorkspaceError(" ".join(plan.problems), next_step="Free some space, or keep fewer checkpoints.")
