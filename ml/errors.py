"""Every way this room says no.

`MlError` is never raised itself. Each error says what is wrong with the values that were seen, and
`.hint` says what to do next. A bug is not an `MlError`: it keeps its own type and traceback.
"""

from pathlib import Path


class MlError(Exception):
    """Base of all errors of the room; catch this one, raise one below.

    `hint` is one sentence that says what to do next.
    """

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class FileUnreadable(MlError):
    """A path is missing, is a directory, or may not be read."""


class FileUnwritable(MlError):
    """A file is there already, is the input itself, or cannot be written where it should stand."""


class BadConversion(MlError):
    """A model cannot be written as asked: a type, a key or a number has no place there."""


class MalformedFile(MlError):
    """A model file is not what its format says; `offset` is the byte where reading stopped."""

    def __init__(self, message: str, *, path: Path, offset: int, hint: str) -> None:
        super().__init__(f"{path.name}: {message} (at byte {offset})", hint=hint)
        self.path = path
        self.offset = offset


class UnknownContainer(MlError):
    """The first bytes of a file belong to no container this version reads."""


class UnknownArchitecture(MlError):
    """The file names a model architecture that is not in `ml.architectures`."""


class UnsupportedModel(MlError):
    """The architecture is known, but the file asks for something of it that is not implemented."""


class UnknownTensor(MlError):
    """A tensor is missing, has another shape than the architecture says, or is not expected."""


class UnsupportedQuantType(MlError):
    """A tensor is stored in a type that cannot be decoded; the message names both."""


class UnknownPretokenizer(MlError):
    """The vocabulary asks for a tokenizer or pre-tokenizer that is not in the table."""


class MissingTemplate(MlError):
    """The file has no chat template of this name."""


class ChatFailed(MlError):
    """A chat template failed, refused the messages, or went over a limit."""


class BadPrompt(MlError):
    """The prompt is empty, too long, or holds something that is no token id of the model."""


class BadDevice(MlError):
    """The name of a device does not follow the grammar `cpu|cuda|cuda:N|auto`."""


class DeviceUnavailable(MlError):
    """The device that was asked for cannot compute here; nothing falls back to another one."""


class DeviceDiffers(MlError):
    """The result came from another device than the one that was chosen."""


class CompilerMissing(MlError):
    """tinygrad's CPU device needs a C compiler, and none was found."""


class UnknownEngine(MlError):
    """There is no engine of this name."""


class UnknownPoint(MlError):
    """There is no capture point of this name."""


class BadOption(MlError):
    """An option of a trace or a comparison has a value that is not one of its values."""


class MalformedTrace(MlError):
    """Stored evidence of a trace does not fit together: records and blob disagree."""


class FloorNotMeasured(MlError):
    """Two passes give no floor: their paths are the same, or their values are not finite."""


class BadCorpus(MlError):
    """No corpus can be made of what was given: nothing is left, or a side would be empty."""


class CorpusExhausted(MlError):
    """A step is beyond the first epoch of a corpus, and wrapping around was not asked for."""
