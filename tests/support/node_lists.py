"""llama.cpp's own nodes of tiny4 (tests/data/reference), in the form its tool prints them."""

import json
from pathlib import Path

from documents import ROOT

REFERENCE = ROOT / "tests" / "data" / "reference"
#: "hello the".
IDS = (319, 75, 75, 78, 220, 272, 68)


def nodes_of(model: str) -> list[dict]:
    """The nodes of a model, as they were read once."""
    path = REFERENCE / f"tiny4-{model}.llama_cpp_nodes.json"
    return json.loads(path.read_text(encoding="utf-8"))


def as_printed(nodes: list[dict], function: str = "ggml_debug") -> str:
    """The text that the tool prints of them, log lines between them included."""
    lines = ["build: 1 (0c1e5709) with cc", "llama_model_loader: loaded meta data", ""]
    for node in nodes:
        lines.append(
            f"{function}: {node['name']:>24} = ({node['dt']}) {node['op']:>10}({node['src']}) = "
            f"{{{node['shape']}}}"
        )
        lines += _values(node)
    return "\n".join([*lines, "llama_perf_context_print: load time = 1.00 ms", ""])


def _values(node: dict) -> list[str]:
    d0, d1, d2, _ = (int(part) for part in node["shape"].split(", "))
    rows, lines = iter(node["vals"]), ["    ["]
    for plane in range(min(d2, 6)):
        if d2 > 6 and plane == 3:
            lines.append("        ..., ")
        lines.append("        [")
        for row in range(min(d1, 6)):
            if d1 > 6 and row == 3:
                lines.append("            ..., ")
            lines.append(f"            [{_row(next(rows), d0)}  ],")
        lines.append("        ],")
    assert next(rows, None) is None
    return [*lines, "    ]", f"    sum = {node['sum']:f}"]


def _row(values: list[float], width: int) -> str:
    texts = [f"{value:12.4f}" for value in values]
    if width > 6:
        return ", ".join(texts[:3]) + ",    ..., " + ", ".join(texts[3:])
    return ", ".join(texts)


def write_nodes(path: Path, model: str, keep: int | None = None) -> Path:
    """The nodes of a model in a file, all or the first `keep` of them."""
    path.write_text(as_printed(nodes_of(model)[:keep]), encoding="utf-8")
    return path
