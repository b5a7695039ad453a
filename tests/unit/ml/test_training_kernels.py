"""Programs that are kept between processes, in a cache that may hold anything."""

from attrs import evolve
from tinygrad.helpers import diskcache_get, diskcache_put

from ml import devices
from ml.training.kernels import _TABLE, Kernels, _name
from ml.training.presets import find_preset
from ml.training.settings import Settings

SETTINGS = Settings(preset=find_preset("tiny"), vocabulary=64, steps=9, batch=3, sequence=7)


def test_a_damaged_cache_is_no_error():
    """What is no set of programs is as good as nothing, and is written over."""
    choice = devices.resolve("cpu")
    name = _name(SETTINGS, choice)
    for rubbish in ("rubbish", [1, 2], 7):
        diskcache_put(_TABLE, name, rubbish)
        Kernels(SETTINGS, choice).keep()
    diskcache_put(_TABLE, name, {})
    assert not diskcache_get(_TABLE, name)


def test_the_name_covers_what_kernels_depend_on():
    """Shapes and constants that are compiled in; not the seed, nor the rate."""
    choice = devices.resolve("cpu")
    name = _name(SETTINGS, choice)
    for change in ({"batch": 4}, {"vocabulary": 128}, {"clip": 2.0}, {"compute": "bfloat16"}):
        assert _name(evolve(SETTINGS, **change), choice) != name
    for change in ({"seed": 1}, {"lr": 2e-3}, {"steps": 10}):
        assert _name(evolve(SETTINGS, **change), choice) == name
