"""Generation: tokens one after the other, from any engine, by any sampler.

    with open_generator(model, engine="a", device="auto") as generator:
        generator.generate(ids, sampler=make_sampler(temperature=0.7, seed=1), max_tokens=64)

`generate` is the same for one prompt.
"""

from typing import Final

from ml.generation.base import Generation, OnText, OnToken, Sampler, Step, Stop
from ml.generation.generator import Generator, generate, open_generator
from ml.generation.sampler import GREEDY, Drawing, make_sampler
from ml.generation.temperature import Temperature
from ml.generation.top_k import TopK
from ml.generation.top_p import TopP

#: The steps of a sampler, in the order in which they are applied.
STEPS: Final[tuple[type[Step], ...]] = (Temperature, TopK, TopP)

__all__ = [
    "GREEDY",
    "STEPS",
    "Drawing",
    "Generation",
    "Generator",
    "OnText",
    "OnToken",
    "Sampler",
    "Step",
    "Stop",
    "generate",
    "make_sampler",
    "open_generator",
]
