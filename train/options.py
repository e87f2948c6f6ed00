"""Options of commands that take a training recipe."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas.training import TrainRecipe


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
        str | None, typer.Option("--base", help="Another base model than the recipe's.", show_default=False)
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
