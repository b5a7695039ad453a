"""`runs` and `run_ends`: what executors did here, and what others reported."""

from ledger.projections.base import Projection

RUNS = Projection(
    name="runs",
    kinds=("run.started", "run.reported"),
    columns=(
        ("position", "ubigint", "position of its start"),
        ("hash", "varchar", "entry hash of its start"),
        ("run", "varchar", "name of the run"),
        ("reported", "boolean", "whether others reported it"),
        ("executor", "varchar", "executor; null when reported"),
        ("provenance", "varchar", "measured, derived, asserted or synthetic"),
        ("model", "varchar", "name of the model"),
        ("model_digest", "varchar", "digest of the model file"),
        ("tokens_digest", "varchar", "digest of the token ids"),
        ("engine", "varchar", "engine asked for"),
        ("device_asked", "varchar", "device as asked for, or as named by others"),
        ("device_observed", "varchar", "device that computed"),
        ("dtype", "varchar", "type it computes in"),
        ("seed", "bigint", "random seed"),
        ("started_at", "timestamp", "time of its start; null when reported"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.run'), false, entry->>'$.body.executor',
               entry->>'$.body.provenance', entry->>'$.body.model.name',
               entry->>'$.body.inputs.model', entry->>'$.body.inputs.tokens',
               entry->>'$.body.arguments.engine', entry->>'$.body.device_asked',
               entry->>'$.body.device_observed', entry->>'$.body.dtype',
               try_cast(entry->>'$.body.seed' as bigint), recorded_at
        from slice where kind = 'run.started'
        union all
        select position, hash, whose || (entry->>'$.body.subject'), true, null, 'asserted',
               entry->>'$.body.model', null, null, null, null, entry->>'$.body.device', null,
               try_cast(entry->>'$.body.seed' as bigint), null
        from slice where kind = 'run.reported'
    """,
)

RUN_ENDS = Projection(
    name="run_ends",
    kinds=("run.finished", "run.failed", "run.resumed", "outcome.reported"),
    columns=(
        ("position", "ubigint", "position of its end, or of where it went on"),
        ("hash", "varchar", "entry hash of its end"),
        ("run", "varchar", "name of the run"),
        ("reported", "boolean", "whether others reported it"),
        ("outcome", "varchar", "finished, failed, open where it went on, or as reported"),
        ("wall_ms", "double", "wall time in milliseconds"),
        ("reason", "varchar", "why it failed"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.run'), false, substr(kind, 5),
               try_cast(entry->>'$.body.wall_ms' as double), entry->>'$.body.reason'
        from slice where kind in ('run.finished', 'run.failed')
        union all
        select position, hash, whose || (entry->>'$.body.run'), false, 'open', null, null
        from slice where kind = 'run.resumed'
        union all
        select position, hash, whose || (entry->>'$.body.subject'), true,
               coalesce(entry->>'$.body.status', 'ended'), null,
               entry->>'$.body.rest.reason'
        from slice where kind = 'outcome.reported'
    """,
)
