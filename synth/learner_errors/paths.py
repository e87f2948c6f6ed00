"""Files of a corpus: which there are, what they are called in seed ids, and their lines."""

from collections.abc import Sequence
from pathlib import Path

from schemas.errors import InputError


def text_files(path: Path, endings: Sequence[str]) -> list[tuple[Path, str]]:
    """A file, or the files of these endings below a folder, sorted; each with its name within, without the ending.

    Raises:
        InputError: there is none.
    """
    if path.is_file():
        return [(path, path.stem)]
    found = sorted(file for file in path.rglob("*") if file.is_file() and file.name.endswith(tuple(endings)))
    if not found:
        problem = f"{path} holds no {' or '.join(endings)} file." if path.is_dir() else f"{path} is not there."
        raise InputError(problem, valid=f"A file, or a folder of {', '.join(endings)} files.")
    return [(file, file.relative_to(path).with_suffix("").as_posix().replace("/", ".")) for file in found]


def lines_of(path: Path) -> list[str]:
    """Lines of a UTF-8 file; a line ends at a newline and nowhere else, since learners write odd characters.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is no text in UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise InputError(f"{path} cannot be read: {why}.", valid="Corpora are text in UTF-8.") from error
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines
