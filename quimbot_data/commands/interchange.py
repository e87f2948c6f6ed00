"""Out of the workspace: `export` to the formats of other tools, `push` to the Hugging Face Hub."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from quimbot_data.commands.options import JsonOption, RefArgument, WorkspaceOption, opened, parsed_ref
from quimbot_data.terminal import err, note, print_json, print_table, progress, say

if TYPE_CHECKING:
    from quimbot_data.export.report import Exported
    from quimbot_data.hub.push import Pushed

Format = Literal["messages-jsonl", "sharegpt-jsonl", "parquet"]
Profile = Literal["private", "research", "redistributable", "commercial"]


class Split(StrEnum):
    """Typer takes a list of an enumeration, not of a literal."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def export(
    context: typer.Context,
    ref: RefArgument,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="messages-jsonl for TRL and Axolotl, sharegpt-jsonl for LLaMA-Factory, parquet for all else.",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option(help="Folder to fill; default exports/NAME-X.Y.Z-FORMAT in the workspace.")
    ] = None,
    profile: Annotated[
        Profile | None, typer.Option(help="Leave out rows whose licence terms it forbids; default the recipe's own.")
    ] = None,
    split: Annotated[list[Split] | None, typer.Option(help="Only this split; repeatable.")] = None,
    carry_untrained: Annotated[
        bool,
        typer.Option(
            "--carry-untrained",
            help='messages-jsonl: mark each message with "train" (Axolotl\'s message_field_training) instead of '
            "leaving out dialogues with messages that must not be learnt. TRL would learn them.",
        ),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace another export that lies there.")] = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a version for another tool: one file a split, and what was left out and why.

    Rows under no-transfer never leave the workspace: outside of it they are left out.
    """
    from quimbot_data.export import Choice
    from quimbot_data.export import export as run
    from schemas.manifest import SPLITS

    if carry_untrained and form != "messages-jsonl":
        raise typer.BadParameter(f"{form} cannot mark messages, or does so already.", param_hint="--carry-untrained")
    place, parsed = opened(context, workspace), parsed_ref(ref)
    chosen = profile or place.version_manifest(parsed).identity.recipe.profile
    splits = tuple(name for name in SPLITS if not split or name in split)
    choice = Choice(form, chosen, splits, carry_untrained)
    with progress(f"export {ref}") as tell:
        exported, folder, new = run(place, parsed, choice, output=output, replace=replace, progress=tell)
    if json:
        print_json(exported.model_dump(mode="json") | {"path": str(folder), "written": new})
    else:
        _print_export(exported, folder, new=new)


def _print_export(exported: "Exported", folder: Path, *, new: bool) -> None:
    from quimbot_data.transfer import NO_TRANSFER, told

    say(f"{exported.ref} as {exported.format}, {exported.dialogues:,} dialogues")
    print_table("", ("file", "dialogues", "bytes"), [[entry.path, entry.rows, entry.bytes] for entry in exported.files])
    if exported.left_out:
        say(f"Left out: {told(exported.left_out)}.")
    if NO_TRANSFER in exported.left_out:
        note("Rows under no-transfer never leave the workspace, and no profile that forbids them admits them.")
    say(f"{folder}" if new else f"{folder} holds this export already; nothing was changed.")


def push(
    context: typer.Context,
    ref: RefArgument,
    repo: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Dataset repository on the Hub; made if missing.")],
    private: Annotated[
        bool | None,
        typer.Option(
            "--private/--public", help="What a new repository becomes (default private), or an old one has to be."
        ),
    ] = None,
    profile: Annotated[
        Profile | None,
        typer.Option(
            help="Refuse rows whose licence terms it forbids; default the recipe's own, for a public repository "
            "redistributable."
        ),
    ] = None,
    message: Annotated[str | None, typer.Option(help="Commit message; default the version and its id.")] = None,
    allow_transfer: Annotated[
        str | None,
        typer.Option(
            metavar='"WHO, why"',
            help="Let rows under no-transfer go to a private repository: who cleared that, and why, is recorded.",
        ),
    ] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Push a version to the Hugging Face Hub: data, card, plots, manifest and fates, in one commit.

    What is there already is not sent again, and files of an earlier version go. The token is HF_TOKEN's, or that of
    `hf auth login`. Rejected rows are never sent; rows under no-transfer only if --allow-transfer says who cleared it.
    """
    from quimbot_data.hub.commit import quiet_library
    from quimbot_data.hub.push import push as run

    place, parsed = opened(context, workspace), parsed_ref(ref)
    quiet_library(bars=err.is_terminal)
    pushed = run(
        *(place, parsed, repo),
        private=private,
        profile=profile,
        message=message,
        cleared=allow_transfer,
        tell=note,
    )
    if json:
        print_json(pushed.model_dump(mode="json"))
    else:
        _print_push(ref, pushed)


def _print_push(ref: str, pushed: "Pushed") -> None:
    place = f"{pushed.url} ({'private' if pushed.private else 'public'})"
    if not (pushed.sent or pushed.removed):
        say(f"{ref} is there already: {place}, commit {pushed.commit[:12]}; nothing was sent.")
        return
    say(f"{ref} is at {place}, commit {pushed.commit[:12]}")
    say(f"{len(pushed.sent)} files sent ({pushed.bytes_sent:,} bytes), {len(pushed.removed)} old ones removed")
    say(f"{pushed.unchanged} files were there already")
