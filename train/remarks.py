"""What a plan remarks on before any weight is loaded: what keeps the run from starting, and what may go otherwise than
was meant.
"""

from collections.abc import Sequence

from quimbot_data.workspace import RUN, Workspace
from schemas.training import TrainRecipe
from train.estimate import Device, Estimate
from train.recipe import recipe_hash
from train.record import read_record
from train.stages import Found


def problems(recipe: TrainRecipe, found: Sequence[Found], needs: Estimate, disk: int) -> list[str]:
    """What the version lacks, and what the disk does."""
    short = [
        f"{recipe.version} holds {each.dialogues:,} {each.told}, {each.asked:,} are required: {each.shortfall:,} short."
        for each in found
        if each.shortfall
    ]
    if needs.disk > disk:
        short.append(
            f"Checkpoints and adapter need about {needs.disk / 1e9:.1f} GB of disk, {disk / 1e9:.1f} GB are free."
        )
    return short


def taken(workspace: Workspace, run: str, recipe: TrainRecipe) -> list[str]:
    """What is there already under the run's name."""
    if not (workspace.run(run) / RUN).exists():
        return []
    record = read_record(workspace, run)
    status, name = workspace.run_status(record), f"runs/{run}"
    if recipe_hash(record.recipe) != recipe_hash(recipe):
        return [f"{name} was begun with another recipe: give this run a name of its own with --name."]
    left = {"finished": "nothing is left to do", "running": "it is being trained now"}
    return [f"{name} is there already: {left.get(status, f'it goes on from step {record.steps_done:,}')}."]


def too_large(needs: Estimate, device: Device, disk: int) -> list[str]:
    """What may need more memory or disk than is free."""
    told = []
    if needs.memory > device.free:
        told.append(
            f"About {needs.memory / 1e9:.1f} GB of memory may be needed, {device.free / 1e9:.1f} GB are free: try a "
            "smaller optimization.max_length or rows_at_once, or gradient_checkpointing."
        )
    if needs.disk <= disk < needs.disk + needs.export:
        told.append(
            f"The run fits on the disk, its export does not: that needs about {needs.export / 1e9:.1f} GB more. Export "
            "fewer formats then, or free some space before."
        )
    return told
