"""`traces`, `trace_points`, `tensors`: statistics at each capture point, and whole activations."""

from ledger.projections.base import Projection

TRACES = Projection(
    name="traces",
    kinds=("trace.captured",),
    columns=(
        ("position", "ubigint", "position of the trace (its first part)"),
        ("hash", "varchar", "entry hash"),
        ("run", "varchar", "the run"),
        ("provenance", "varchar", "measured, or synthetic"),
        ("blob", "varchar", "digest of row statistics and sketches"),
        ("identity", "json", "what must be equal for a comparison"),
        ("path", "json", "how it was computed"),
    ),
    select="""
        select position, hash, whose || (entry->>'$.body.run'), entry->>'$.body.provenance',
               entry->>'$.body.blob', entry->'$.body.identity', entry->'$.body.path'
        from slice where kind = 'trace.captured' and try_cast(entry->>'$.body.part' as int) = 0
    """,
)

TRACE_POINTS = Projection(
    name="trace_points",
    kinds=("trace.captured",),
    columns=(
        ("position", "ubigint", "position of the trace"),
        ("run", "varchar", "the run"),
        ("ordinal", "bigint", "order of computation within the part"),
        ("point", "varchar", "capture point"),
        ("layer", "integer", "layer; null for the model's own points"),
        ("width", "bigint", "channels in a row"),
        ("rows", "bigint", "rows (tokens) covered"),
        ("scope", "varchar", "all or last: which rows"),
        ("count", "double", "finite values"),
        ("mean", "double", "mean of finite values"),
        ("std", "double", "sample standard deviation, n - 1"),
        ("min", "double", "smallest finite value"),
        ("max", "double", "largest finite value"),
        ("abs_sum", "double", "sum of magnitudes"),
        ("nan_count", "double", "values that are NaN"),
        ("inf_count", "double", "values that are infinite"),
        ("zero_count", "double", "values that are zero"),
    ),
    select="""
        with parts as (
            select position, whose || (entry->>'$.body.run') as run,
                   from_json(entry->'$.body.points', '["JSON"]') as points,
                   from_json(entry->'$.body.columns', '["VARCHAR"]') as names,
                   from_json(entry->'$.body.all_rows', '[["VARCHAR"]]') as all_rows,
                   from_json(entry->'$.body.last_row', '[["VARCHAR"]]') as last_row
            from slice where kind = 'trace.captured'
        ),
        numbered as (select *, unnest(range(1, len(points) + 1)) as i from parts),
        scoped as (
            select position, run, i, points[i] as p, names, 'all' as scope, all_rows[i] as v
            from numbered
            union all
            select position, run, i, points[i], names, 'last', last_row[i] from numbered
        ),
        named as (
            -- Not a map: a name that stands twice would make one impossible. The first one counts.
            select position, run, i, p, scope,
                   list_transform(['count', 'mean', 'm2', 'min', 'max', 'abs_sum', 'nan_count',
                                   'pos_inf_count', 'neg_inf_count', 'zero_count'], lambda x:
                       try_cast(v[list_position(names, x)] as double)) as n
            from scoped
        )
        select position, run, i, p->>0, try_cast(p->>1 as integer), try_cast(p->>2 as bigint),
               try_cast(p->>3 as bigint), scope,
               n[1], n[2], case when n[1] > 1 and n[3] >= 0 then sqrt(n[3] / (n[1] - 1)) end,
               n[4], n[5], n[6], n[7], n[8] + n[9], n[10]
        from named
    """,
)

TENSORS = Projection(
    name="tensors",
    kinds=("tensors.kept",),
    columns=(
        ("position", "ubigint", "position of the entry"),
        ("run", "varchar", "the run that traced"),
        ("ordinal", "bigint", "order of computation within the entry"),
        ("point", "varchar", "capture point"),
        ("layer", "integer", "layer; null for the model's own points"),
        ("tokens", "bigint", "rows"),
        ("width", "bigint", "channels in a row"),
        ("blob", "varchar", "digest of the NumPy file"),
    ),
    select="""
        with parts as (
            select position, whose || (entry->>'$.body.run') as run,
                   from_json(entry->'$.body.tensors', '["JSON"]') as tensors,
                   from_json(entry->'$.body.blobs', '["VARCHAR"]') as blobs
            from slice where kind = 'tensors.kept'
        ),
        numbered as (select *, unnest(range(1, len(tensors) + 1)) as i from parts)
        select position, run, i, tensors[i]->>0, try_cast(tensors[i]->>1 as integer),
               try_cast(tensors[i]->>2 as bigint), try_cast(tensors[i]->>3 as bigint), blobs[i]
        from numbered
    """,
)
