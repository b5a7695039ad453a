"""Writes small.jsonl, five little problems with their answers: `make_small.py`."""

import json
from pathlib import Path

PROBLEMS = (
    (
        "small/double",
        'def double(x):\n    """Return twice x."""\n',
        "double",
        "    return x + x\n",
        "def check(candidate):\n    assert candidate(4) == 8\n"
        "    assert candidate('ab') == 'abab'\n",
    ),
    (
        "small/vowels",
        'def vowels(text):\n    """Return how many of the letters a, e, i, o, u a text has."""\n',
        "vowels",
        "    return sum(letter in 'aeiou' for letter in text)\n",
        "def check(candidate):\n    assert candidate('ledger') == 2\n"
        "    assert candidate('') == 0\n",
    ),
    (
        "small/running_max",
        "from typing import List\n\n\ndef running_max(numbers: List[int]) -> List[int]:\n"
        '    """Return the largest number so far, at each place."""\n',
        "running_max",
        "    found = []\n    for n in numbers:\n"
        "        found.append(max(n, found[-1]) if found else n)\n"
        "    return found\n",
        "def check(candidate):\n    assert candidate([1, 3, 2, 5]) == [1, 3, 3, 5]\n"
        "    assert candidate([]) == []\n    assert candidate([-2, -5]) == [-2, -2]\n",
    ),
    (
        "small/merge",
        'def merge(a, b):\n    """Merge two ascending lists into one."""\n',
        "merge",
        "    return sorted([*a, *b])\n",
        "assert merge([1, 4], [2, 3]) == [1, 2, 3, 4]\nassert merge([], [0]) == [0]\n",
    ),
    (
        "small/roman",
        'def roman(number):\n    """Return a number from 1 to 39 in Roman numerals."""\n',
        "roman",
        "    ones = ['', 'I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX']\n"
        "    return 'X' * (number // 10) + ones[number % 10]\n",
        "def check(candidate):\n    assert candidate(9) == 'IX'\n"
        "    assert candidate(34) == 'XXXIV'\n",
    ),
)
NAMES = ("task_id", "prompt", "entry_point", "canonical_solution", "test")

if __name__ == "__main__":
    lines = [json.dumps(dict(zip(NAMES, problem, strict=True))) for problem in PROBLEMS]
    Path(__file__).with_name("small.jsonl").write_text("\n".join(lines) + "\n")
