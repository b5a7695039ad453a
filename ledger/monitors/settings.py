"""Settings of a run by neutral names, whatever its authors called them. The table.

A reported run says with `steps` how many it took, and one of this ledger is asked for them.
"""

from collections.abc import Mapping
from typing import Any, Final

#: Neutral name → names it goes by, the first that is stated wins.
NAMES: Final = {
    "vocabulary": ("vocabulary", "vocab", "vocab_size"),
    "sequence_length": ("sequence_length", "seq", "seq_len", "seq_length"),
    "batch": ("batch", "batch_size"),
    "steps_asked": ("steps_asked", "steps_requested", "steps_target"),
    "steps_done": ("steps_done", "steps_recorded"),
    "steps_per_epoch": ("steps_per_epoch",),
    "tokens_per_epoch": ("tokens_per_epoch",),
    "epochs_asked": ("epochs_asked", "epochs_target"),
    "corpus_tokens": ("corpus_tokens",),
    "corpus_distinct_tokens": ("corpus_distinct_tokens", "distinct_tokens"),
    "unknown_fraction": ("unknown_fraction", "unk_fraction"),
    "entropy_bits": ("entropy_bits",),
    "wrap": ("wrap", "wrap_around"),
    "held_out_batches": ("held_out_batches",),
    "held_out_apart": ("held_out_apart", "val_shard"),
    "train_windows": ("train_windows",),
    "held_out_windows": ("held_out_windows",),
    "patience": ("patience",),
    "min_epochs": ("min_epochs",),
    "seed": ("seed",),
    "model": ("model",),
    "initial": ("initial", "init"),
    "corpus": ("corpus",),
    "lr": ("lr", "lr_max"),
    "warmup": ("warmup",),
    "device": ("device",),
    "synthetic": ("synthetic",),
    "provenance": ("provenance",),
    "device_asked": ("device_asked", "device_requested", "requested_device"),
    "device_observed": ("device_observed", "device_used", "observed_device"),
}
#: What `steps` alone means.
STEPS_ALONE: Final = {True: "steps_done", False: "steps_asked"}
#: Settings that cannot leave the losses as they are to the last digit.
DECIDING: Final = (
    "seed",
    "model",
    "initial",
    "vocabulary",
    "sequence_length",
    "batch",
    "corpus",
    "corpus_tokens",
    "lr",
    "device",
)


def neutral(stated: Mapping[str, Any], *, reported: bool) -> dict[str, Any]:
    """Settings under their neutral names; what has none keeps its own. Null is not stated."""
    known = {alias for names in NAMES.values() for alias in names}
    settings = {key: value for key, value in stated.items() if key not in known and key != "steps"}
    for name, aliases in NAMES.items():
        for alias in aliases:
            if stated.get(alias) is not None:
                settings[name] = stated[alias]
                break
    if stated.get("steps") is not None:
        settings.setdefault(STEPS_ALONE[reported], stated["steps"])
    return settings


def differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the deciding settings that both state and that differ."""
    return tuple(
        name
        for name in DECIDING
        if a.get(name) is not None and b.get(name) is not None and a[name] != b[name]
    )
