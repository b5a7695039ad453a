"""Documents that are empty, or larger than is allowed (nobody wrote a megabyte of code by hand)."""

from ml.corpus.base import Document, Filter, Judge, Settings


def open_filter(settings: Settings) -> Judge:
    """Return a judge that drops what has nothing but white space, or too many bytes."""

    def judge(document: Document) -> Document | None:
        is_fit = len(document.data) <= settings.document_bytes and document.data.strip()
        return document if is_fit else None

    return judge


FILTER = Filter(name="size", does="drops empty and oversized files", open=open_filter)
