"""Engine `a` against numpy on 24 layers: what is carried along, and what each operation adds."""

import numpy as np
import pytest
from fault_models import DEEP, prompt

from ml.passes import open_side, parse_settings


@pytest.mark.slow
def test_24_layers(tmp_path):
    """By rms over the std of a point: free-running within 3e-5, with the same input within 3e-6."""
    path = DEEP.parts().write(tmp_path / "deep.gguf")
    reference = open_side(path, parse_settings("engine=numpy"))
    ours = open_side(path, parse_settings("engine=a,device=cpu"))
    theirs = reference.run(prompt(0)).activations
    for forced, bar in ((None, 3e-5), (theirs, 3e-6)):
        found = ours.run(prompt(0), forced=forced).activations
        assert set(found) == set(theirs)
        for place, values in theirs.items():
            difference = found[place].astype(np.float64) - values
            assert np.sqrt((difference**2).mean()) <= bar * values.std(), place
