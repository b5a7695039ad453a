"""Somebody else's SQL, in a child process with limits on memory, file size, time and answer.

`memory_limit` alone does not bound DuckDB (a 2 GB `repeat()` goes through), so the operating system
bounds the child. The child gets a connection that sees the record and nothing else, and none of the
caller's environment. It stops itself when the time is up; the parent kills it where it does not.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

from ledger.errors import BadArguments, LedgerError, StoreFailed
from ledger.folder import Folder, open_folder
from ledger.queries.base import Table
from ledger.store.catch_up import Progress
from ledger.store.reader import open_reader

_SECONDS: Final = (0.1, 3600.0)
_ADDRESS_SPACE: Final = 4 * 1024**3
_CELL_CHARACTERS: Final = 65_536
_ANSWER_CHARACTERS: Final = 32 * 1024 * 1024
#: What the child needs to start, to attach the database and to stop itself.
_GRACE_SECONDS: Final = 10
#: What the loader and Python need; nothing else of the environment reaches the child.
_ENVIRONMENT: Final = ("LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "SYSTEMROOT")


def ask(
    folder: Folder,
    sql: str,
    *,
    at: int | None,
    rows: int,
    seconds: float,
    on_progress: Progress | None = None,
) -> Table:
    """Run one select and return at most `rows` rows.

    Raises `BadArguments` for SQL that is wrong, not a question, or over a limit.
    """
    if not _SECONDS[0] <= seconds <= _SECONDS[1]:  # not a number either
        raise BadArguments(
            f"--seconds {seconds:g} is out of bounds",
            hint="from {:g} to {:g}".format(*_SECONDS),
        )
    with open_reader(folder, at=at, on_progress=on_progress):
        pass  # catches up here, where progress can be shown, and refuses a bad position
    return _ask_child(folder, sql, at=at, rows=rows, seconds=seconds)


def _ask_child(folder: Folder, sql: str, *, at: int | None, rows: int, seconds: float) -> Table:
    request = {"ledger": str(folder.path), "sql": sql, "at": at, "rows": rows, "seconds": seconds}
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", "ledger.store.sandbox"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=seconds + _GRACE_SECONDS,
            check=False,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
    except subprocess.TimeoutExpired as error:
        raise _too_long(seconds) from error
    return _read_answer(child, seconds)


def _too_long(seconds: float) -> BadArguments:
    return BadArguments(
        f"the query took more than {seconds:g} s", hint="ask for less, or give --seconds"
    )


def _read_answer(child: "subprocess.CompletedProcess[str]", seconds: float) -> Table:
    try:
        answer: dict[str, Any] = json.loads(child.stdout)
    except json.JSONDecodeError as error:
        if -child.returncode == signal.SIGXCPU:
            raise _too_long(seconds) from error
        if child.returncode < 0:
            raise BadArguments(
                f"the query's process was stopped by {signal.Signals(-child.returncode).name}",
                hint="the query may need more memory than 4 GiB; ask for less",
            ) from error
        raise StoreFailed(
            f"the query's process ended with {child.returncode}: {child.stderr.strip()[-300:]}",
            hint="this is a fault of the program, not of the query",
        ) from error
    if answer.get("is_late"):
        raise _too_long(seconds)
    if "error" in answer:
        raise BadArguments(answer["error"], hint=answer["hint"])
    return Table(tuple(answer["columns"]), tuple(tuple(row) for row in answer["rows"]))


def _limit(seconds: float) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    processor = (int(seconds) + _GRACE_SECONDS) * (os.cpu_count() or 1)
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Files that a query could write are closed off by the reader; this bounds what is left.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    import duckdb

    from ledger.cli.base import json_value

    try:
        statements = duckdb.extract_statements(request["sql"])
    except duckdb.Error as error:
        return {"error": _plain(error), "hint": "`ledger query --tables` lists what can be asked"}
    allowed = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
    if len(statements) != 1 or statements[0].type not in allowed:
        return {
            "error": "only one select at a time: the record is not changed by asking",
            "hint": "`ledger record` appends events",
        }
    folder = open_folder(Path(request["ledger"]))
    with open_reader(folder, at=request["at"]) as db:
        _limit(request["seconds"])
        clock = threading.Timer(request["seconds"], db.interrupt)
        clock.daemon = True
        clock.start()
        try:
            cursor = db.execute(statements[0])
            columns = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchmany(request["rows"])
        except (duckdb.InterruptException, KeyboardInterrupt):
            return {"is_late": True}
        except duckdb.Error as error:
            return {"error": _plain(error), "hint": "`ledger query --tables` lists the tables"}
        finally:
            clock.cancel()
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        return {
            "error": f"the answer has more than one column called {', '.join(twice)}",
            "hint": "name each one: select a as first, b as second",
        }
    return {"columns": columns, "rows": [[_cell(json_value(v)) for v in row] for row in rows]}


def _cell(value: object) -> object:
    if isinstance(value, str) and len(value) > _CELL_CHARACTERS:
        return value[:_CELL_CHARACTERS] + "…"
    return value


def _plain(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def main() -> None:
    """Entry point of the child: a request on stdin, an answer on stdout, both JSON."""
    request = json.loads(sys.stdin.read())
    try:
        answer = _answer(request)
    except MemoryError:
        answer = {"error": "the query needs more than 4 GiB", "hint": "ask for less"}
    except LedgerError as error:
        answer = {"error": error.message, "hint": error.hint}
    text = json.dumps(answer)
    if len(text) > _ANSWER_CHARACTERS:
        text = json.dumps({"error": "the answer is larger than 32 MB", "hint": "give --limit"})
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
