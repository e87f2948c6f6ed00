"""Cards (being written)."""

from pathlib import Path

from schemas.manifest import VersionManifest


def write_documents(folder: Path, manifest: VersionManifest) -> None:
    """Write the documents beside the data."""
    (folder / "README.md").write_text(f"# {manifest.name}\n", encoding="utf-8")
