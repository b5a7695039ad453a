"""Small vocabularies as GGUF files: byte-level with merges, and SentencePiece's own."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import sentencepiece
from gguf import GGUFWriter

from ml.tokenizer.byte_bpe import byte_characters

ROOT = Path(__file__).parents[2]
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


def write_vocabulary(
    path: Path,
    *,
    kind: str,
    tokens: Sequence[str],
    types: Sequence[int],
    scores: Sequence[float] | None = None,
    merges: Sequence[str] | None = None,
    pre: str | None = None,
    name: str = "words",
    template: str | None = None,
    space_prefix: bool | None = None,
) -> Path:
    """Write a file with nothing but a vocabulary, and return its path."""
    writer = GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_tokenizer_model(kind)
    if pre is not None:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(list(tokens))
    writer.add_token_types(list(types))
    if scores is not None:
        writer.add_token_scores([float(score) for score in scores])
    if merges is not None:
        writer.add_token_merges(list(merges))
    if template is not None:
        writer.add_chat_template(template)
    if space_prefix is not None:
        writer.add_add_space_prefix(space_prefix)
    writer.add_bos_token_id(types.index(CONTROL) if CONTROL in types else 0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def byte_vocabulary(
    path: Path,
    *,
    pre: str = "qwen2",
    words: Iterable[str] = ("the", " the", "hello", " and", "  "),
    special: Iterable[str] = ("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
    defined: Iterable[str] = (),
    template: str | None = None,
) -> Path:
    """Byte-level BPE with all 256 bytes and merges that make some words."""
    spelled = {byte: character for character, byte in byte_characters().items()}
    tokens, merges = list(byte_characters()), list[str]()
    for word in words:
        letters = [spelled[byte] for byte in word.encode()]
        made = letters[0]
        for letter in letters[1:]:
            if made + letter not in tokens:
                tokens.append(made + letter)
                merges.append(f"{made} {letter}")
            made += letter
    types = [NORMAL] * len(tokens)
    for texts, its in ((special, CONTROL), (defined, USER_DEFINED)):
        for text in texts:
            tokens.append(text)
            types.append(its)
    return write_vocabulary(
        path, kind="gpt2", tokens=tokens, types=types, merges=merges, pre=pre, template=template
    )


def trained(
    path: Path, *, size: int = 700, defined: Sequence[str] = (), by_spaces: bool = True
) -> sentencepiece.SentencePieceProcessor:
    """Train SentencePiece on our own pages, write its vocabulary as GGUF, and return its reader."""
    pages = [ROOT / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md")]
    lines = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines()]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="bpe",
        vocab_size=size,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        split_by_whitespace=by_spaces,
        allow_whitespace_only_pieces=True,
        user_defined_symbols=list(defined),
        minloglevel=2,
    )
    reader = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    ids = range(reader.get_piece_size())
    types = [
        UNKNOWN if reader.is_unknown(i)
        else BYTE if reader.is_byte(i)
        else USER_DEFINED if reader.id_to_piece(i) in defined
        else CONTROL if reader.is_control(i)
        else NORMAL
        for i in ids
    ]  # fmt: skip
    write_vocabulary(
        path,
        kind="llama",
        tokens=[reader.id_to_piece(i) for i in ids],
        types=types,
        scores=[reader.get_score(i) for i in ids],
    )
    return reader
