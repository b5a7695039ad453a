"""Which line of the SHIP-TWO history becomes which event, and which key becomes which field.

A field takes the key of its own name unless `keys` names another. `constants` are set by the kind
of line. Where an event gathers quantities in one field, `gathered` is that field and `names` the
keys that must hold quantities; `is_open` lets other keys join where their values are quantities.
Every key that no field takes stays in `rest`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from ledger.events.form import field_types
from ledger.events.reported import (
    BoardReported,
    ClaimReported,
    ComparisonReported,
    ContractReported,
    CriterionReported,
    EdgeReported,
    EpochReported,
    MeasurementReported,
    OutcomeReported,
    PublicationReported,
    Reported,
    RunReported,
    SectionReported,
    StepReported,
    ThresholdReported,
    TraceReported,
    VerdictReported,
)

_SHARED: Final = frozenset(field.name for field in attrs.fields(Reported))


@attrs.frozen(slots=True)
class LineKind:
    """How lines of one kind are read."""

    kind: str
    event: type[Reported]
    keys: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    constants: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)
    gathered: str | None = attrs.field(default=None, kw_only=True)
    names: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    is_open: bool = attrs.field(default=False, kw_only=True)

    def plain_fields(self) -> Iterator[tuple[str, str]]:
        """(field of the event, key of `data`) of every field that holds one key's value."""
        for field in field_types(self.event):
            if field not in _SHARED and field not in self.constants and field != self.gathered:
                yield field, self.keys.get(field, field)


_ROW: Final = {"operator": "op", "blocking": "ship_blocking"}
_BOARD: Final = {
    "partial": "published_partial",
    "discharged": "published_discharged",
    "restated": "restated_in_banner",
}
_METRICS: Final = ("train_loss", "grad_norm", "lr", "tokens_per_sec", "gpu_util_pct", "wall_ms")
_SIDES: Final = {"scope_a": "apr_scope", "scope_b": "gguf_scope"}
_STDS: Final = ("apr_std", "gguf_std")
# fmt: off
_BENCH: Final = (
    "passed", "total", "percent", "tok_s", "ttft_ms", "llama_cli", "median_ms", "batch", "seq",
    "hours", "seconds", "ast_nodes", "runs", "steps", "valid_steps", "at_step", "limit",
    "times_over", "ulp", "max_abs_dloss", "mean_eps", "max_eps", "cos_min", "worst_cos",
    "final_val_range",
)
# fmt: on
_EVAL: Final = ("val", "best", "expected", "uniform_nats", "val_loss_1_step", "val_loss_100_steps")

LINE_KINDS: Final = (
    LineKind(
        "criterion_declared", CriterionReported, keys=_ROW, constants={"row_family": "criterion"}
    ),
    LineKind("gate_declared", CriterionReported, keys=_ROW, constants={"row_family": "gate"}),
    LineKind(
        "invariant_declared", CriterionReported, keys=_ROW, constants={"row_family": "invariant"}
    ),
    LineKind("claim_stated", ClaimReported),
    LineKind("verdict", VerdictReported),
    LineKind("scoreboard", BoardReported, keys=_BOARD),
    LineKind("section_registered", SectionReported),
    LineKind("contract_registered", ContractReported, keys={"contract_version": "version"}),
    LineKind("run_started", RunReported, keys={"vocabulary": "vocab", "sequence_length": "seq"}),
    LineKind("run_completed", OutcomeReported, keys={"best_loss": "best"}),
    LineKind("epoch", EpochReported),
    LineKind("step", StepReported, gathered="metrics", names=_METRICS, is_open=True),
    LineKind("trace_layer", TraceReported, keys={"statistics": "stats"}),
    LineKind("trace_layer_partial", TraceReported, gathered="statistics", names=("std",)),
    LineKind(
        "stage_std", TraceReported, keys={"point": "stage"}, gathered="statistics", names=("std",)
    ),
    LineKind(
        "trace_summary",
        TraceReported,
        gathered="statistics",
        names=("embedding", "final_norm", "logits"),
    ),
    LineKind(
        "trace_compare",
        ComparisonReported,
        keys={"point": "slot", **_SIDES},
        gathered="numbers",
        names=(*_STDS, "ratio", "band"),
        is_open=True,
    ),
    LineKind(
        "stage_compare",
        ComparisonReported,
        gathered="numbers",
        names=("gpu", "cpu"),
        is_open=True,
    ),
    LineKind(
        "tensor_compared",
        ComparisonReported,
        keys={"point": "tensor"},
        gathered="numbers",
        names=(*_STDS, "max_diff", "rms", "byte_equal", "bytes"),
        is_open=True,
    ),
    LineKind("bench", MeasurementReported, gathered="numbers", names=_BENCH, is_open=True),
    LineKind("eval", MeasurementReported, gathered="numbers", names=_EVAL, is_open=True),
    LineKind("edge", EdgeReported, keys={"from_name": "frm", "to_name": "to"}),
    LineKind("threshold_changed", ThresholdReported),
    LineKind("artifact_published", PublicationReported, keys={"value": "val"}),
)
