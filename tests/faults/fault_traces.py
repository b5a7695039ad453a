"""Ways through a model: by an engine of this project, or by the port with its slips."""

from collections.abc import Mapping

from fault_base import Stage, Way
from fault_port import Operation, Port

from ml.architectures import Model
from ml.passes import Activations, Pass, Settings, Side


def engine_side(model: Model, engine: str) -> Side:
    """An engine on the host, as a floor is measured along it."""
    settings = Settings(engine=engine, device="cpu")
    return Side(model=model, model_sha256=model.container.digest(), settings=settings)


def by_engine(model: Model, engine: str) -> Way:
    """An engine on the host."""
    side = engine_side(model, engine)
    return Way(model=model, compute=lambda ids, forced: side.run(ids, forced=forced))


def by_port(model: Model, slips: Mapping[Stage, Operation]) -> Way:
    """The port."""

    def compute(ids: tuple[int, ...], forced: Activations | None) -> Pass:
        port = Port(model=model, ids=ids, slips=slips, forced=forced or {})
        return Pass(activations=port.run(), path={"engine": "the port"})

    return Way(model=model, compute=compute)
