"""Two that ask at once never get one number."""

import subprocess
import sys

from ledgers import run_body
from written import written

#: What each process does: open, publish, state; and say which numbers it was given.
PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from written import text, NOTE
from ledger.ledger import Ledger
from ledger.sections.recording import open_section, publish_section, state_action

with Ledger.open(Path(sys.argv[1]), actor="human:ada") as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(12):
        section = open_section(ledger, NOTE, "A note", text=text("so"))[0].number
        version = publish_section(ledger, section, 1)[0].to_version
        action = state_action(ledger, "go on", section)[0].action
        print(section, version, action)
"""


def test_two_processes(lab, request):
    """Sections, versions and actions that two processes ask for at once: each number once."""
    support = request.config.rootpath / "tests" / "support"
    lab.ledger.close()
    command = [sys.executable, "-c", PROGRAM, lab.ledger.folder.path.parent, support]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for one in both:
        assert one.stdout.readline() == "ready\n"
    for one in both:
        one.stdin.write("go\n")
        one.stdin.flush()
    given = [
        tuple(map(int, line.split())) for one in both for line in one.communicate()[0].splitlines()
    ]
    assert [one.returncode for one in both] == [0, 0]
    for numbers in zip(*given, strict=True):
        assert sorted(numbers) == list(range(1, 25))
    assert lab.ledger.query("section_gaps").rows == ()
    chain = sorted(
        (row["from_version"], row["to_version"])
        for row in lab.ledger.query("section_pages", draft="no").objects()
    )
    assert chain == [(n, n + 1) for n in range(24)]
    assert lab.audit() == ()


def test_a_run_of_that_name(lab):
    """A run whose executor is called section is counted apart."""
    written(lab.ledger)
    body = {key: value for key, value in run_body("x", "asserted").items() if key != "run"}
    assert lab.ledger.start_run("section", body)[0] == "section-0001"
    assert written(lab.ledger) == 2
