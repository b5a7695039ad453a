"""Code problems: files, candidates that misbehave, the control, and the estimate."""

import itertools
import json
import math
import re
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from ml.code_problems import execution
from ml.code_problems.control import control
from ml.code_problems.estimator import pass_at_k
from ml.code_problems.execution import Limits, execute, harness_digest
from ml.code_problems.problems import Problem, read_problems
from ml.code_problems.samples import program_of, read_samples
from ml.code_problems.scoring import Scores, score
from ml.errors import BadOption, FileUnreadable, MalformedFile

SMALL = Path(__file__).parents[2] / "data" / "code_problems" / "small.jsonl"
LIMITS = Limits(seconds=5.0, cpu_seconds=5)
PROBLEM = Problem(
    task_id="one",
    prompt="def one():\n",
    entry_point="one",
    test="def check(candidate):\n    assert candidate() == 1\n",
    canonical_solution="    return 1\n",
    has_check=True,
)


def ended(body, *, problem=PROBLEM, limits=LIMITS):
    """Run the prompt with a body."""
    return execute(problem, problem.prompt + body, limits)


@pytest.mark.parametrize(
    ("body", "result", "reason"),
    [
        ("    return 1\n", "passed", ""),
        ("    return 2\n", "failed", "AssertionError"),
        ("    return 1\n:\n", "failed", "SyntaxError"),
        ("    raise ValueError(chr(27))\n", "failed", r"ValueError: \\x1b"),
        ("    class E(Exception):\n        __str__ = None\n    raise E\n", "failed", r"E: \?"),
        ("    pass\ndel one\n", "failed", "one is not defined"),
        ("    raise SystemExit(0)\n", "failed", "SystemExit: 0"),
        ("    raise KeyboardInterrupt\n", "failed", "KeyboardInterrupt"),
        ("    import os; os._exit(0)\n", "died", "ended with code 0 and no result"),
        ("    import ctypes; ctypes.string_at(0)\n", "died", "ended with code -11"),
        ("    return [0] * 10**12\n", "failed", "MemoryError"),
        ("    return one()\n", "failed", "RecursionError"),
        ("    open('f', 'w').write('x' * (1 << 25))\n", "failed", "OSError|died"),
        ("    return int(input())\n", "failed", "EOFError"),
    ],
)
def test_how_a_candidate_ends(body, result, reason):
    """Each end has its name, and its reason is one line that a terminal can show."""
    outcome = ended(body)
    assert outcome.result == result, outcome
    assert re.search(reason, outcome.reason), outcome
    assert outcome.reason.isprintable()


@pytest.mark.parametrize(
    "body",
    [
        'print("passed:" + "0" * 64); import os; os._exit(0)\n',
        "import os\nfor fd in range(3, 20):\n    try: os.write(fd, b'passed:')\n"
        "    except OSError: pass\nos._exit(0)\n",
        "import builtins\nbuiltins.exec = builtins.compile = lambda *_: None\n",
        "def check(_candidate): pass\n",
        "import builtins\nbuiltins.AssertionError = None\n",
        "import os\nif os.fork(): os._exit(0)\n",
        "import sys\nsys.exit = sys.excepthook = print\nraise SystemExit(0)\n",
        "import atexit, os\natexit.register(os._exit, 0)\n",
        "import threading, os\nthreading.Timer(0, os._exit, (0,)).start()\nimport time\n"
        "time.sleep(1)\n",
    ],
)
def test_no_result_can_be_made_up(body):
    """A wrong answer that prints, exits, forks, or puts something in place of the tests' tools."""
    assert ended("    return 2\n" + body).result in ("failed", "died")


def test_builtins_are_mended_before_the_tests():
    """A candidate that makes `sorted` an identity does not change what the tests compare with."""
    problem = evolve(PROBLEM, test="def check(c):\n    assert sorted([2, 1]) == [1, 2]\n")
    body = "    return 1\nimport builtins\nbuiltins.sorted = lambda x: x\n"
    assert ended(body, problem=problem).result == "passed"


def test_time_is_up():
    """By the clock, for one that sleeps, and one that computes."""
    short = Limits(seconds=0.5, cpu_seconds=5)
    for body in ("    import time; time.sleep(60)\n", "    while True: pass\n"):
        outcome = ended(body, limits=short)
        assert outcome.result == "timed out"
        assert outcome.seconds < 5


def test_nothing_is_left_behind(tmp_path):
    """What a candidate starts and hides in a session of its own ends with it."""
    told = tmp_path / "told"
    told.touch()
    body = f"""    import os, subprocess, sys
    code = "import os, time; os.setsid(); time.sleep(300)  # {tmp_path}"
    subprocess.Popen([sys.executable, "-S", "-c", code])
    return 1
"""
    assert ended(body).result == "passed"
    lines = [path.read_bytes() for path in _command_lines()]
    assert not [line for line in lines if str(tmp_path).encode() in line and b"setsid" in line]


@pytest.fixture
def no_namespaces(tmp_path, monkeypatch):
    """The child as it is where the kernel allows none of its measures."""
    source = execution.CHILD.read_text()
    changed = source.replace('if __name__ == "__main__":', "cut_off = lambda _job: []\nif True:")
    assert changed != source
    (tmp_path / "child.py").write_text(changed)
    monkeypatch.setattr(execution, "CHILD", tmp_path / "child.py")


@pytest.mark.usefixtures("no_namespaces")
def test_without_namespaces_the_limits_hold(tmp_path):
    """Time, results and what is left behind, also of one that hides in a session of its own."""
    code = f"import os, time; os.setsid(); time.sleep(300)  # {tmp_path}"
    body = f"""    import subprocess, sys, time
    subprocess.Popen([sys.executable, "-S", "-c", {code!r}])
    time.sleep(0.3)
    return 1
"""
    outcome = ended(body)
    assert (outcome.result, outcome.measures) == ("passed", ())
    lines = [path.read_bytes() for path in _command_lines()]
    assert not [line for line in lines if str(tmp_path).encode() in line and b"setsid" in line]
    assert ended("    import os; os._exit(0)\n").result == "died"
    assert ended("    import os; os.kill(os.getppid(), 9)\n    return 2\n").result != "passed"
    short = Limits(seconds=0.5)
    assert ended("    import time; time.sleep(60)\n", limits=short).result == "timed out"
    assert ended("    open('f', 'w').write('x' * (1 << 25))\n").result in ("failed", "died")


def _command_lines():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            path.read_bytes()
        except OSError:
            continue
        yield path


def test_processes_are_limited():
    """A fork bomb meets the limit, and its time is up at the latest."""
    outcome = ended("    import os\n    while True: os.fork()\n", limits=Limits(seconds=3))
    assert outcome.result in ("failed", "timed out")


def test_output_is_kept_to_its_limit():
    """The rest is thrown away, and the candidate is not held up by it."""
    body = "    print('x' * 10_000_000)\n    return 1\n"
    outcome = ended(body, limits=evolve(LIMITS, output_bytes=1000))
    assert outcome.result == "passed"
    assert outcome.output == "x" * 1000


def test_what_the_kernel_allows_is_told_and_holds():
    """Where a measure is said to hold, what it forbids does not work."""
    tries = {
        "no network": "import socket; socket.create_connection(('127.0.0.1', 9), 1)",
        "files read-only": f"open({str(Path(__file__).parent / 'left.txt')!r}, 'w')",
    }
    measures = ended("    return 1\n").measures
    for measure, line in tries.items():
        outcome = ended(f"    {line}\n")
        assert outcome.result == "failed"
        if measure in measures:
            assert re.search("unreachable|Read-only", outcome.reason), outcome
    own = "    open('own.txt', 'w').write('x')\n    return len(open('own.txt').read())\n"
    assert ended(own).result == "passed"


def test_sets_have_one_order():
    """Hashes of text are the same in each run, so a candidate's luck is not drawn anew."""
    body = "    raise ValueError(hash('ledger'))\n"
    assert ended(body).reason == ended(body).reason


def test_the_control_holds_on_sound_problems():
    """Right answers score 1, wrong ones 0, and no cheat passes."""
    found = control(read_problems(SMALL).problems, LIMITS)
    assert found.holds
    assert (found.canonical_passed, found.broken_passed, found.problems) == (5, 0, 5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"canonical_solution": "    return 2\n"}, "the canonical solution failed"),
        ({"test": "def check(candidate):\n    pass\n"}, "a program that returns nothing passed"),
        ({"test": "x = 1\n", "has_check": False}, "a program that returns nothing passed"),
    ],
)
def test_a_control_that_does_not_hold(change, says):
    """Wrong answers in the file, and tests that test nothing."""
    found = control([evolve(PROBLEM, **change)], LIMITS)
    assert not found.holds
    assert says in found.wrong[0]


def test_a_control_needs_answers():
    """Without them nothing has a known score."""
    with pytest.raises(BadOption, match="have no canonical_solution"):
        control([evolve(PROBLEM, canonical_solution=None)], LIMITS)


@given(n=st.integers(1, 8), data=st.data())
def test_the_estimate_is_the_share_of_choices(n, data):
    """Counted out: of all choices of k samples, those with a right one."""
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    choices = list(itertools.combinations([i < c for i in range(n)], k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, choices)) / len(choices))


def test_the_estimate_has_no_bias():
    """Over all outcomes of 5 tries at 30 %, pass@3 is 1 - 0.7 ** 3 in the mean."""
    mean = sum(math.comb(5, c) * 0.3**c * 0.7 ** (5 - c) * pass_at_k(5, c, 3) for c in range(6))
    assert mean == pytest.approx(1 - 0.7**3)


def test_too_few_samples_say_nothing():
    """Fewer than k, or none."""
    for n, k in ((1, 10), (0, 0), (3, 0)):
        with pytest.raises(BadOption, match=f"pass@{k} from {n} samples"):
            pass_at_k(n, 0, k)


def test_scores_and_intervals():
    """Wilson's of a share of problems with one sample; a bootstrap over problems with more."""
    one = Scores(n=1, right={str(i): i % 2 for i in range(20)}, results={}, firsts={}).estimate(1)
    assert (one.value, one.interval_by) == (0.5, "Wilson")
    more = Scores(n=4, right={str(i): i % 3 for i in range(30)}, results={}, firsts={})
    assert more.estimate(1).value == pytest.approx(0.25)
    assert more.estimate(4).value == pytest.approx(2 / 3)
    low, high = more.estimate(1).interval
    assert low < 0.25 < high
    assert more.estimate(1).interval_by == "bootstrap over problems"


def test_samples_of_a_file(tmp_path):
    """Two of each problem, some of them right; several at a time give the same."""
    problems = read_problems(SMALL)
    lines = []
    for problem in problems.problems:
        lines.append({"task_id": problem.task_id, "completion": problem.canonical_solution})
        lines.append({"task_id": problem.task_id, "solution": f"def {problem.entry_point}(): 1"})
    path = tmp_path / "samples.jsonl"
    path.write_text("\n\n".join(map(json.dumps, lines)))
    samples = read_samples(path, problems).samples
    for jobs in (1, 3):
        found = score(problems.problems, samples, LIMITS, jobs=jobs)
        assert set(found.right.values()) == {1}
        assert found.results == {"failed": 5, "passed": 5}
        assert (found.n, found.estimate(2).value) == (2, 1.0)


def test_a_completion_ends_with_its_function():
    """At what begins something else on the outermost level; not at what is indented."""
    tail = "    if x:\n        return 1\n    return 2\n\nif __name__:\n    one()\n"
    assert program_of(PROBLEM, tail).endswith("return 2\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("\n\n", "has no problems"),
        ("{}", "task_id is not text"),
        ("[1]", "is no JSON object"),
        ("{", "is no JSON"),
        ("\xff", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"task_id": "a", "prompt": "b", "entry_point": "c d", "test": "x"}', "is no name"),
        ('{"task_id": "a", "prompt": "b", "entry_point": "c", "test": "x ="}', "is no Python"),
        ('{"task_id": "a", "prompt": "b", "entry_point": "c", "test": "x\\u0000"}', "no Python"),
        ('{"task_id": "a", "prompt": "", "entry_point": "c", "test": "x"}', "prompt is not text"),
    ],
)
def test_files_that_are_no_problems(text, says, tmp_path):
    """Each is refused, with the byte at which the line begins."""
    path = tmp_path / "problems.jsonl"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises((MalformedFile, FileUnreadable), match=says):
        read_problems(path)


def test_a_line_that_is_wrong_is_placed(tmp_path):
    """The third line is a problem that stands twice."""
    first = SMALL.read_bytes().splitlines(keepends=True)[:2]
    path = tmp_path / "problems.jsonl"
    path.write_bytes(b"".join([*first, first[0]]))
    with pytest.raises(MalformedFile, match="stands twice") as caught:
        read_problems(path)
    assert caught.value.offset == len(first[0]) + len(first[1])


@pytest.mark.parametrize(
    ("line", "error", "says"),
    [
        ({"task_id": "small/none", "completion": ""}, MalformedFile, "is no problem"),
        ({"task_id": "small/double"}, MalformedFile, "not one text"),
        (
            {"task_id": "small/double", "completion": "", "solution": ""},
            MalformedFile,
            "not one text",
        ),
        ({"task_id": "small/double", "completion": "    pass\n"}, BadOption, "0 samples of"),
    ],
)
def test_samples_that_do_not_fit(line, error, says, tmp_path):
    """Unknown problems, two texts or none, and problems without samples."""
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps(line))
    with pytest.raises(error, match=says):
        read_samples(path, read_problems(SMALL))


def test_the_harness_has_a_digest_of_its_own():
    """Other limits are another harness."""
    assert harness_digest(LIMITS) != harness_digest(evolve(LIMITS, seconds=6.0))
    assert harness_digest(LIMITS) == harness_digest(evolve(LIMITS))
