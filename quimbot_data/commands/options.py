"""Options and arguments that several commands take, one by one or in groups."""

import inspect
import os
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from quimbot_data.workspace import Ref, Workspace

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace", "-w", help="Folder of datasets; default ./datasets, or QUIMBOT_WORKSPACE.", show_default=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, max=64, help="Work on that many shards at once.")]
LogJsonOption = Annotated[bool, typer.Option("--log-json", help="Log progress as JSON lines on stderr.")]
RecipeArgument = Annotated[
    str, typer.Argument(help="A shipped recipe's name, a TOML file, or NAME@X.Y.Z: the recipe of that version.")
]
RefArgument = Annotated[str, typer.Argument(metavar="NAME@X.Y.Z", help="A built version.")]


def opened(context: typer.Context, workspace: Path | None) -> "Workspace":
    """The workspace that the command, the root or the environment names."""
    from quimbot_data.workspace import DEFAULT_ROOT, Workspace

    chosen = workspace or context.obj or os.environ.get("QUIMBOT_WORKSPACE") or DEFAULT_ROOT
    return Workspace(Path(chosen).absolute())


def parsed_ref(text: str) -> "Ref":
    """`NAME@X.Y.Z`, taken apart."""
    from quimbot_data.workspace import Ref

    return Ref.parse(text)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take a dataclass: on the command line each of its fields is an option or argument of its own.

    So several commands share a group of options by naming one class.
    """
    parameters = inspect.signature(command, eval_str=True).parameters
    # Dataclasses have no class in common.
    groups: dict[str, Any] = {name: p.annotation for name, p in parameters.items() if is_dataclass(p.annotation)}

    @wraps(command)
    def taking_each(**given: object) -> None:
        made = {name: group(**{f.name: given.pop(f.name) for f in fields(group)}) for name, group in groups.items()}
        command(**given, **made)

    shown = [part for name, each in parameters.items() for part in _parts(each, groups.get(name))]
    taking_each.__dict__["__signature__"] = inspect.Signature(shown)
    taking_each.__annotations__ = {part.name: part.annotation for part in shown}
    return taking_each


def _parts(parameter: inspect.Parameter, group: Any) -> list[inspect.Parameter]:
    """A parameter, or those that its group stands for; all by name, so that any may have a default."""
    if group is None:
        return [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default if field.default is not MISSING else inspect.Parameter.empty,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]
