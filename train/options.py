"""What commands of the trainer take, and what they need."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Final

import typer

from schemas.errors import MissingError

if TYPE_CHECKING:
    from schemas.training import TrainRecipe

#: What the extra `train` installs, by the names of its modules.
_EXTRA: Final = ("torch", "transformers", "tokenizers", "safetensors", "peft", "trl", "accelerate", "datasets", "gguf")


def check_extra() -> None:
    """Hold that what the trainer needs is installed.

    Raises:
        MissingError: it is not.
    """
    lacking = [package for package in _EXTRA if find_spec(package) is None]
    if lacking:
        raise MissingError(
            f"Not installed: {', '.join(lacking)}.", next_step="Run `pip install 'quimbot-data[train]'`."
        )


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """A training recipe, what to change in it, and what to call the run."""

    recipe: Annotated[str, typer.Argument(help="A shipped training recipe's name, or a TOML file.")]
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the run; default the recipe's.", show_default=False)
    ] = None
    version: Annotated[
        str | None, typer.Option("--version", help="Another version than the recipe's, NAME@X.Y.Z.", show_default=False)
    ] = None
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            help="Another base model than the recipe's, with its own tokenizer: a folder, a .gguf file, package:NAME, "
            "or an id of the Hub.",
            show_default=False,
        ),
    ] = None
    parent: Annotated[
        str | None, typer.Option("--parent", help="Another parent run than the stage-2 recipe's.", show_default=False)
    ] = None
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Another number of optimizer steps.", show_default=False)
    ] = None

    def resolved(self) -> "TrainRecipe":
        """The recipe with the changes.

        Raises:
            RecipeError: there is no such recipe, or it is not valid.
        """
        from train.recipe import find_recipe

        changes = {
            "version": self.version,
            "base": self.base,
            "parent.run": self.parent,
            "optimization.steps": self.steps,
        }
        return find_recipe(self.recipe, changes)
