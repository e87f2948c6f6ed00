"""A version's documents: `README.md` in the Hub's dataset-card format, its plots, `croissant.json`, and `CHANGES.md`.

All but the last follow from the version's own files alone, that one from those and the version below it, so they can be
written again at any time, byte for byte.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from quimbot_data.card import croissant, header, plots, recipe_toml, tables
from quimbot_data.card.figures import CardFacts, card_facts
from quimbot_data.card.markdown import code, count, plain, share
from quimbot_data.filters import FORBIDDEN_TERMS
from quimbot_data.version import DOCUMENTS
from quimbot_data.workspace import Ref, Workspace, atomic, file_digest, read_model, write_model
from schemas.errors import MissingError
from schemas.manifest import SPLITS, AuditReport, Documents, VersionManifest

CARD: Final = "README.md"
PLOTS: Final = "plots"
CROISSANT: Final = "croissant.json"
AUDIT: Final = "audit.json"
CHANGES: Final = "CHANGES.md"


def write_documents(folder: Path, manifest: VersionManifest) -> None:
    """Write card, plots and description for machines beside the data.

    Args:
        folder: holds the data files that the manifest lists; may be a staging folder.
        manifest: the version's.

    Raises:
        IntegrityError: the data cannot be read, or is not what the manifest states.
        WorkspaceError: the folder cannot be written.
    """
    _write(folder, documents(folder, manifest))


def documents(folder: Path, manifest: VersionManifest) -> dict[str, bytes]:
    """Card, plots and description for machines as bytes by their path in the version's folder.

    Raises:
        IntegrityError: the data cannot be read, or is not what the manifest states.
    """
    facts = card_facts(folder, manifest)
    audit = read_model(folder / AUDIT, AuditReport) if (folder / AUDIT).exists() else None
    drawn = {f"{PLOTS}/{name}.png": png for name, png in plots.plots(manifest, facts).items()}
    return {
        CARD: render(manifest, facts, audit).encode(),
        CROISSANT: croissant.document(manifest, facts),
        **drawn,
    }


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    for path, content in contents.items():
        with atomic(folder / path) as stream:
            stream.write(content)


def refresh_documents(workspace: Workspace, ref: Ref, audit: AuditReport | None = None) -> None:
    """Write a published version's documents again, and `documents.json` over them; data and manifest stay untouched.

    With an audit, that becomes one of the documents. `CHANGES.md` is written again where the version below is there.

    All are made before the first is replaced. Other documents keep their entries; a file that `documents.json` did
    not list stays unlisted. Killed in between, it leaves documents that `verify` reports, and running it again mends.

    Raises:
        MissingError: no such version.
        LockedError: another process writes it.
        IntegrityError: its data is not what its manifest states.
    """
    manifest, folder = workspace.version_manifest(ref), workspace.version(ref)
    with workspace.lock("version", ref.name, ref.version):
        if audit is not None:
            write_model(folder / AUDIT, audit)
        made = documents(folder, manifest) | _changes(workspace, ref)
        if audit is not None:
            made[AUDIT] = (folder / AUDIT).read_bytes()
        listed = read_model(folder / DOCUMENTS, Documents).files if (folder / DOCUMENTS).exists() else {}
        outdated = [path for path in listed if path.startswith(f"{PLOTS}/") and path not in made]
        _write(folder, made)
        for path in outdated:
            (folder / path).unlink(missing_ok=True)
        digests = {path: file_digest(folder / path) for path in made}
        kept = {path: digest for path, digest in listed.items() if path not in outdated}
        write_model(folder / DOCUMENTS, Documents(files=dict(sorted({**kept, **digests}.items()))))


def _changes(workspace: Workspace, ref: Ref) -> dict[str, bytes]:
    """`CHANGES.md`, unless it stands already and the version that it compares with is gone."""
    from quimbot_data.diff.changes import document  # written with this package's Markdown, so it stands above

    below = workspace.highest(ref.name, below=ref)
    if below is None and (workspace.version(ref) / CHANGES).exists():
        return {}
    return {CHANGES: document(workspace, ref, below).encode()}


def copy_card(workspace: Workspace, ref: Ref, to: Path) -> Path:
    """Copy a card to `<to>/<name>-<version>.md`, and what it links to the folder `<name>-<version>` beside it.

    Returns:
        The card's path.

    Raises:
        MissingError: no such version, or its card is not there.
        WorkspaceError: `to` cannot be written.
    """
    workspace.version_manifest(ref)
    folder, name = workspace.version(ref), f"{ref.name}-{ref.version}"
    if not (folder / CARD).exists():
        raise MissingError(f"{folder} holds no {CARD}.", next_step=f"Run `quimbot card {ref}`.")
    text = (folder / CARD).read_text("utf-8")
    copies = {f"{name}/{plot.name}": plot.read_bytes() for plot in sorted((folder / PLOTS).glob("*.png"))}
    linked = re.sub(rf"^(!\[.*\]\(){PLOTS}/", rf"\g<1>{name}/", text, flags=re.MULTILINE)
    if (folder / CHANGES).exists():
        copies[f"{name}/{CHANGES}"] = (folder / CHANGES).read_bytes()
        linked = linked.replace(f"({CHANGES})", f"({name}/{CHANGES})")
    _write(to, {**copies, f"{name}.md": linked.encode()})
    return to / f"{name}.md"


def render(manifest: VersionManifest, facts: CardFacts, audit: AuditReport | None = None) -> str:
    """The card's text."""
    from importlib.resources import files

    import jinja2

    environment = jinja2.Environment(
        autoescape=jinja2.select_autoescape(default_for_string=False),  # Markdown: the filters below escape
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"count": count, "share": share, "plain": plain, "code": code}
    template = (files("quimbot_data.card") / "card.md.jinja").read_text("utf-8")
    text = environment.from_string(template).render(_context(manifest, facts, audit))
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"  # parts left out leave their blank lines


def _context(manifest: VersionManifest, facts: CardFacts, audit: AuditReport | None) -> dict[str, Any]:
    """What the template names."""
    recipe, record = manifest.identity.recipe, manifest.record
    return {
        "header": header.header(manifest, facts),
        "title": header.title(manifest),
        "ref": f"{manifest.name}@{manifest.version}",
        "manifest": manifest,
        "recipe": recipe,
        "recipe_toml": recipe_toml.recipe_toml(recipe),
        "facts": facts,
        "totals": facts.totals,
        "tables": tables,
        "audit": audit,
        "repeats": [line for line in manifest.mix if line.repeats],
        "unmatched": [line.set for line in manifest.evaluation if not line.dialogues_hit],
        "ledgers": list(tables.ledgers(manifest)),
        "redactions": tables.redactions(manifest),
        "sources": tables.by_size(manifest, facts),
        "alt": _alternatives(manifest, facts),
        "empty_splits": [split for split in SPLITS if split not in {row.split for row in facts.splits}],
        "forbidden": FORBIDDEN_TERMS[recipe.profile],
        "no_transfer": sum(row.dialogues for row in facts.terms if row.term == "no-transfer"),
        "held_out": [row for row in facts.languages if row.language in recipe.splits.languages],
        "undetermined": sum(row.dialogues for row in facts.languages if row.language == "und"),
        "unlabelled": [row.source for row in facts.safety if not row.labelled],
        "classifiers": sorted({name for row in facts.safety for name in row.classifiers}),
        "untrained": sum(row.untrained_messages for row in facts.safety),
        "detectors": _versions(record.get("language_detectors")),
        "libraries": _versions(record.get("libraries")),
        "created": record.get("created", ""),
    }


def _versions(names: Mapping[str, str] | None) -> str:
    """`polars 2.1.0, pyarrow 26.0.1`."""
    return ", ".join(f"{name} {version}" for name, version in sorted((names or {}).items()))


def _alternatives(manifest: VersionManifest, facts: CardFacts) -> dict[str, str]:
    """What each plot shows, in words."""
    totals = facts.totals
    kept = {row.source: row.dialogues for row in facts.sources}
    raw = {line.source: line.rows_in for line in reversed(manifest.ledger)}  # a source's first line comes last
    parts = {
        "mix": [
            f"{line.family} {share(line.weight, 1)}, {share(line.dialogues, totals.dialogues)}, "
            f"{share(line.tokens, totals.tokens)}"
            for line in manifest.mix
        ],
        "ledger": [
            f"{code(source)} {count(raw[source])} raw rows, {count(kept.get(source, 0))} kept"
            for source in tables.by_size(manifest, facts)
        ],
        "languages": [f"{row.language} {count(row.dialogues)}" for row in facts.languages[:5]],
        "lengths": [f"median {row.measure} {count(row.p50)}" for row in facts.lengths],
    }
    return {name: "; ".join(told) or "none" for name, told in parts.items()}
