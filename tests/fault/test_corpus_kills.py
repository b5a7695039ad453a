"""A build that is killed leaves a whole corpus, the old or the new one; the next one goes on."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from corpora import program, settings_of, silent, write_packages

from ml.corpus.building import build
from ml.corpus.checking import check
from ml.corpus.reader import Corpus

SUPPORT = Path(__file__).parents[1] / "support"
#: Says when it begins, then builds; stopping the interpreter at any moment is what is tested.
BUILD = (
    "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
    "from corpora import *; base = Path(sys.argv[2]); print('ready', flush=True);"
    "build(settings_of(base / 'src'), base / 'corpus', silent)"
)
KILLS = 12


def killed_build(home, after_s):
    """Begin a build and kill it so many seconds after its start; whether it had ended."""
    words = [sys.executable, "-c", BUILD, str(SUPPORT), str(home)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
    return process.returncode == 0


def test_killed_builds(tmp_path):
    """Whatever the moment; nothing is left beside the corpus in the end."""
    source = write_packages(tmp_path / "src", functions=40)
    out, home = tmp_path / "corpus", tmp_path
    started = time.perf_counter()
    build(settings_of(source), out, silent)
    lasts = time.perf_counter() - started
    draw = random.Random(1)  # noqa: S311 - moments of a test
    ended = 0
    for number in range(KILLS):
        (source / "p1" / "part0.py").write_text(program(f"kill {number}", 40))
        ended += killed_build(home, draw.uniform(0, 1.2 * lasts))
        if out.exists():  # between two renames it is .corpus.old for a moment
            assert all(finding.is_met for finding in check(out, silent))
        else:
            assert (home / ".corpus.old" / "manifest.json").exists()
    built = build(settings_of(source), out, silent)
    assert all(finding.is_met for finding in check(out, silent))
    assert sorted(path.name for path in home.iterdir()) == ["corpus", "src"]
    assert built.corpus.digest == build(settings_of(source), home / "again", silent).corpus.digest
    assert ended < KILLS


SMALL_FILES = (
    "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000));"
    "from ml.errors import FileUnwritable\n"
    "try:\n    build(settings_of(base / 'src'), base / 'corpus', silent)\n"
    "except FileUnwritable as error:\n    print(error, error.hint)\n"
)


def test_no_room(tmp_path):
    """A file that cannot grow is one error; what was there stays, and nothing is left beside it."""
    source = write_packages(tmp_path / "src")
    before = build(settings_of(source), tmp_path / "corpus", silent).corpus.digest
    (source / "p1" / "part0.py").write_text(program("another"))
    words = BUILD.rpartition("build(")[0] + SMALL_FILES
    done = subprocess.run(
        [sys.executable, "-c", words, str(SUPPORT), str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "cannot write" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "src"]
    assert Corpus.open(tmp_path / "corpus").digest == before
