"""From corpora to versions: `recipes`, `plan`, `build`, `versions`, `show`, `verify`, `card`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import (
    JsonOption,
    LogJsonOption,
    RecipeArgument,
    RefArgument,
    ThreadsOption,
    WorkspaceOption,
    opened,
    parsed_ref,
)
from quimbot_data.report import print_plan, print_version, text
from quimbot_data.terminal import log_steps, note, print_json, print_table, progress, say

if TYPE_CHECKING:
    from quimbot_data.workspace import Ref, Workspace
    from schemas.recipe import Recipe


def build(
    context: typer.Context,
    recipe: RecipeArgument,
    version: Annotated[
        str,
        typer.Option(
            "--version",
            help="Number of the version, X.Y.Z: what changed since the version below it decides which one it may "
            "be, and `next` takes that one.",
        ),
    ],
    audit: Annotated[
        int, typer.Option(min=0, max=100_000, help="Plant that many rows of each kind, and publish what was found.")
    ] = 0,
    threads: ThreadsOption = 2,
    log_json: LogJsonOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Build an immutable version from the corpora: mix, splits, ledger, card."""
    from quimbot_data.build import build as run
    from quimbot_data.workspace import Ref

    place = opened(context, workspace)
    resolved, named_by = _recipe(recipe, place), _version_named(recipe)
    ref = None if version == "next" else Ref.parse(f"{resolved.name}@{version}")
    title = f"build {ref or resolved.name}"
    with progress(title, log_json=log_json) as tell:
        manifest, new = run(place, resolved, ref, named_by=named_by, threads=threads, audit=audit, progress=tell)
    if log_json:
        log_steps(title, manifest.record)
    folder = place.version(Ref(manifest.name, manifest.version))
    if json:
        print_json(manifest.model_dump(mode="json") | {"written": new, "path": str(folder)})
        return
    print_version(manifest)
    told = "its card now tells the audit" if audit else "nothing was changed"
    say(f"{folder}" if new else f"{folder} holds this version already; {told}.")


def plan(
    context: typer.Context,
    recipe: RecipeArgument,
    threads: ThreadsOption = 2,
    log_json: LogJsonOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Say before a build what each component can give, which binds, and the exact mix. Exit 1 if it can't be met."""
    from quimbot_data.plan import plan as run

    place = opened(context, workspace)
    resolved = _recipe(recipe, place)
    with progress(f"plan {resolved.name}", log_json=log_json) as tell:
        made = run(place, resolved, threads=threads, progress=tell)
    if json:
        print_json(made.model_dump(mode="json"))
    else:
        print_plan(made)
    raise typer.Exit(1 if made.problem else 0)


def _recipe(text: str, place: "Workspace") -> "Recipe":
    from quimbot_data.recipes import shipped_recipe
    from schemas.recipe import load_recipe

    if ref := _version_named(text):
        return place.recipe_of(ref)
    return load_recipe(Path(text)) if _is_path(text) else shipped_recipe(text)


def _version_named(recipe: str) -> "Ref | None":
    """The version whose recipe an argument asks for; None where it is a file or a shipped recipe."""
    return parsed_ref(recipe) if "@" in recipe and not _is_path(recipe) else None


def _is_path(recipe: str) -> bool:
    return recipe.endswith(".toml") or "/" in recipe


def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this recipe, comments and all.", show_default=False)] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,  # as every command does; a recipe is no matter of one
) -> None:
    """The shipped recipes; with a name its TOML, to start one of your own from."""
    from quimbot_data.recipes import recipe_names, recipe_text, shipped_recipe

    if name:
        print_json(shipped_recipe(name).model_dump(mode="json")) if json else say(recipe_text(name).rstrip())
        return
    shipped = [shipped_recipe(each) for each in recipe_names()]
    rows = [
        {"recipe": each.name, "title": each.title, "size": each.size, "unit": each.unit, "sources": each.sources()}
        for each in shipped
    ]
    if json:
        print_json(rows)
    else:
        print_table("", list(rows[0]), [[text(row[key]) for key in row] for row in rows])


def versions(context: typer.Context, json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """The versions that the workspace holds."""
    place = opened(context, workspace)
    manifests = [place.version_manifest(ref) for ref in place.versions()]
    rows = [
        {
            "version": f"{manifest.name}@{manifest.version}",
            "id": manifest.id,
            "dialogues": sum(split.rows for split in manifest.identity.splits.values()),
            "tokens": sum(split.tokens for split in manifest.identity.splits.values()),
            "profile": manifest.identity.recipe.profile,
            "created": manifest.record.get("created"),
        }
        for manifest in manifests
    ]
    stones = [stone for ref in place.withdrawn() if (stone := place.tombstone(ref))]
    if json:
        print_json(rows)
    elif not rows and not stones:
        note(f"{place.root} holds no version. Build one: `quimbot build demo --version 0.1.0`, or try `quimbot demo`.")
    elif rows:
        print_table(
            "", list(rows[0]), [[str(row[key])[:16] if key == "id" else row[key] for key in row] for row in rows]
        )
    for stone in stones:
        note(f"{stone.name}@{stone.version} was withdrawn on {stone.withdrawn[:10]}: {', '.join(stone.takedowns)}.")


def show(context: typer.Context, ref: RefArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """What a version holds: mix, splits, ledger, files."""
    place, parsed = opened(context, workspace), parsed_ref(ref)
    manifest = place.version_manifest(parsed)
    if json:
        print_json(manifest.model_dump(mode="json"))
        return
    print_version(manifest)
    print_table(
        "Ledger",
        ("source", "step", "unit", "in", "out", "reason", "rows"),
        [
            [line.source, line.step, line.unit, line.rows_in, line.rows_out, line.reason, line.rows]
            for line in manifest.ledger
            if line.reason
        ],
    )
    print_table(
        "Files",
        ("path", "rows", "bytes", "sha256"),
        [[e.path, e.rows, e.bytes, e.sha256[:16]] for e in (*manifest.data, manifest.fates)],
    )
    say(str(place.version(parsed)))


def verify(
    context: typer.Context,
    ref: RefArgument,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build again from the corpora and compare the ids.")
    ] = False,
    threads: ThreadsOption = 2,
    log_json: LogJsonOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Compare a version with its manifest: every byte, every row digest, its id.

    Exit 1 if anything differs, or if it cannot be built again since its inputs are no longer what they were.
    """
    from quimbot_data.build import changed_inputs, rebuilt_id
    from quimbot_data.version import verify as run

    place, parsed = opened(context, workspace), parsed_ref(ref)
    problems, manifest = run(place, parsed), place.version_manifest(parsed)
    again, changed = None, changed_inputs(place, manifest) if rebuild else []
    if rebuild and not changed:
        with progress(f"rebuild {ref}", log_json=log_json) as tell:
            again = rebuilt_id(place, manifest, threads=threads, progress=tell)
        if again != manifest.id:
            problems.append(f"built again from the corpora, its id is {again[:16]}, not {manifest.id[:16]}")
    if json:
        print_json(
            {"version": ref, "id": manifest.id, "rebuilt_id": again, "problems": problems, "changed_inputs": changed}
        )
    elif problems:
        for problem in problems:
            say(problem)
        note(f"{ref} is not what its manifest states.")
    else:
        say(f"{ref} is whole: {len(manifest.data) + 1} data files, documents and id {manifest.id[:16]} agree.")
        if again:
            say("Built again from the corpora, it has the same id.")
        for each in changed:
            note(f"It cannot be built again: {each}.")
    raise typer.Exit(1 if problems or changed else 0)


def card(
    context: typer.Context,
    ref: RefArgument,
    copy_to: Annotated[Path | None, typer.Option("--copy-to", help="Copy the card there, e.g. data_cards.")] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a version's card, plots and CHANGES.md again, and copy them where documents are kept."""
    from quimbot_data.card import copy_card, refresh_documents

    place, parsed = opened(context, workspace), parsed_ref(ref)
    refresh_documents(place, parsed)
    written = [place.version(parsed) / "README.md"]
    if copy_to:
        written.append(copy_card(place, parsed, copy_to))
    if json:
        print_json({"version": ref, "written": [str(path) for path in written]})
        return
    for path in written:
        say(str(path))
