"""Where an exported model comes from: base, runs, versions, and what the licences of all of them ask."""

import re
from pathlib import Path
from typing import Final

from quimbot_data.licence_report import LicenceReport, licence_report
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import MissingError
from schemas.run import RunRecord
from train.models import place_of
from train.record import read_record

_README_LICENCE: Final = re.compile(r"^license:\s*['\"]?([\w.-]+)", re.MULTILINE)


def runs_behind(workspace: Workspace, record: RunRecord) -> list[RunRecord]:
    """The run and those that it was grown from, stage 1 first."""
    parent = record.recipe.parent
    return [*(runs_behind(workspace, read_record(workspace, parent.run)) if parent else []), record]


def data_licences(workspace: Workspace, runs: list[RunRecord]) -> list[LicenceReport | str]:
    """For each run its version's licences; the version's name where it is not here any more."""
    found: list[LicenceReport | str] = []
    for record in runs:
        try:
            found.append(licence_report(workspace, Ref.parse(record.version)))
        except MissingError:
            found.append(record.version)
    return found


def base_licence(base: str) -> str | None:
    """What a base says of its licence: the header of its README, or its GGUF file; None where it says nothing here."""
    place = place_of(base)
    if place.folder is None:
        return None
    if place.gguf:
        return _gguf_licence(place.folder / place.gguf)
    readme = place.folder / "README.md"
    header = readme.read_text("utf-8").split("\n---", 1)[0] if readme.exists() else ""
    found = _README_LICENCE.search(header)
    return found[1] if found else None


def _gguf_licence(file: Path) -> str | None:
    from gguf import GGUFReader

    field = GGUFReader(file).get_field("general.license")
    return str(field.contents()) if field else None
