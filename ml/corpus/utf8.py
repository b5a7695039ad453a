"""Documents that are not UTF-8, or hold NUL: no Python source has that."""

from attrs import evolve

from ml.corpus.base import Document, Filter, Judge, Settings


def open_filter(_settings: Settings) -> Judge:
    """Return a judge that decodes, and drops what cannot be decoded."""

    def judge(document: Document) -> Document | None:
        try:
            text = document.data.decode()
        except UnicodeDecodeError:
            return None
        return None if "\0" in text else evolve(document, text=text)

    return judge


FILTER = Filter(name="utf8", does="drops what is not UTF-8 text", open=open_filter)
