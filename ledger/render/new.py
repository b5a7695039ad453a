"""Starting a template in a user's folder."""

from pathlib import Path

from ledger.errors import Conflict, StoreFailed
from ledger.render.own import LIST, read_list


def start_template(folder: Path, name: str, text: str) -> Path:
    """Write a template and list it; the path. Raises `Conflict` where it is there already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / LIST).exists():
            (folder / LIST).write_text("documents:\n", encoding="utf-8")
        documents, _ = read_list(folder)
        with (folder / name).open("x", encoding="utf-8") as file:
            file.write(text)
        if name not in documents:
            _add(folder / LIST, name)
    except FileExistsError as error:
        raise Conflict(f"{folder / name} is there already", hint="choose another name") from error
    except OSError as error:
        raise StoreFailed(
            f"cannot write {error.filename}: {error.strerror}", hint="check the folder and space"
        ) from error
    return folder / name


def _add(path: Path, name: str) -> None:
    """Put a name below `documents:`, and leave every other line of the list as it is."""
    lines = path.read_text(encoding="utf-8").splitlines()
    at = next((n for n, line in enumerate(lines) if line.startswith("documents:")), None)
    if at is None:
        lines += ["documents:", f"  - {name}"]
    elif lines[at].strip() == "documents:":
        after = lines[at + 1] if len(lines) > at + 1 else ""
        indent = after[: len(after) - len(after.lstrip())] if after.lstrip()[:1] == "-" else "  "
        lines.insert(at + 1, f"{indent}- {name}")
    else:  # a list on its own line: documents: [a, b]
        head, _, tail = lines[at].partition("[")
        inner = tail.rpartition("]")[0].strip()
        lines[at] = f"{head}[{inner + ', ' if inner else ''}{name}]"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
