"""Options and arguments that several commands take."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
