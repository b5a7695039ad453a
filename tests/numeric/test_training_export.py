"""A trained model in other containers: the loss is the trainer's, and other readers load it."""

import gguf
import numpy as np
import pytest
from corpora import small_corpus

from ml import devices, quant_types
from ml.architectures import open_model
from ml.containers import open_container
from ml.conversion import BY_MIXTURE, convert, open_source
from ml.corpus import vocabulary as vocabularies
from ml.corpus.manifest import TOKENIZER
from ml.corpus.reader import Corpus
from ml.errors import BadOption, FileUnwritable
from ml.passes import Settings as Pass
from ml.quality.passages import Cut
from ml.quality.perplexity import perplexity
from ml.quality.settings import open_scorer
from ml.tokenizer import Tokenizer
from ml.training.exporting import Vocabulary, export
from ml.training.presets import find_preset, padded
from ml.training.settings import Settings
from ml.training.trainer import Trainer, first_state

pytestmark = pytest.mark.slow
#: Nats that the loss of a window may be off by, by type of the matrices.
BARS = {"f32": 1e-4, "f16": 1e-3, "q8_0": 2e-2, "q4_k_m": 0.5}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A corpus, a folder of a model that took ten steps, and its losses of four windows."""
    folder = tmp_path_factory.mktemp("export")
    small_corpus(folder)
    corpus = Corpus.open(folder / "corpus")
    settings = Settings(
        preset=find_preset("tiny"), vocabulary=padded(corpus.vocabulary), steps=10, batch=4,
        sequence=32, lr=3e-3, min_lr=0.0,
    )  # fmt: skip
    trainer = Trainer(settings, devices.resolve("cpu"), first_state(settings))
    batches = corpus.batches("train", seq=32, batch_size=4, seed=1)
    for step in range(10):
        trainer.take_step([batches.batch(step).astype(np.int32)])
    windows = np.stack([corpus.window("held_out", 32, n) for n in range(4)]).astype(np.int32)
    facts = corpus.manifest.tokenizer
    content = (corpus.folder / TOKENIZER).read_bytes()
    vocabulary = Vocabulary(content=content, tokens=facts.tokens, end_id=facts.end_id)
    export(folder / "model", settings, trainer.state(), vocabulary)
    return corpus, folder / "model", windows, trainer.evaluate(windows), settings, vocabulary


def losses_of(path, windows, engine="numpy"):
    """Mean loss of each window by an engine of this project that knows nothing of training."""
    opened = open_scorer(path, Pass(engine=engine, device="cpu"))
    vocabulary = open_model(path).tensors["token_embd.weight"].shape[0]
    cut = Cut(context=64, stride=64)
    return np.array(
        [perplexity(opened.scorer, ids.tolist(), cut, vocabulary).nats_per_token for ids in windows]
    )


@pytest.mark.parametrize("to", BARS)
def test_the_loss_through_a_gguf_file(exported, to, tmp_path):
    """The float64 reference over the converted file has the trainer's loss of each window."""
    _, folder, windows, wanted, _, _ = exported
    path = tmp_path / "model.gguf"
    convert(open_source(folder), path, mixture=BY_MIXTURE[to])
    found = losses_of(path, windows)
    assert np.abs(found - wanted).max() < BARS[to]
    assert wanted.mean() < np.log(448) - 0.3


def test_the_loss_through_apr_and_through_tinygrad(exported, tmp_path):
    """APR v2 carries the same numbers, and engine a says the same of the folder itself."""
    _, folder, windows, wanted, _, _ = exported
    convert(open_source(folder), tmp_path / "model.apr")
    assert np.abs(losses_of(tmp_path / "model.apr", windows) - wanted).max() < BARS["f32"]
    assert np.abs(losses_of(folder, windows, "a") - wanted).max() < BARS["f32"]


@pytest.mark.parametrize("to", ["f16", "q8_0"])
def test_other_readers_load_it(exported, to, tmp_path):
    """The gguf package and tinygrad see the rows and tokens that we see."""
    from tinygrad import Tensor
    from tinygrad.llm.gguf import gguf_load

    _, folder, _, _, settings, _ = exported
    path = tmp_path / "model.gguf"
    convert(open_source(folder), path, mixture=BY_MIXTURE[to])
    theirs = gguf.GGUFReader(path)
    tokens = theirs.fields["tokenizer.ggml.tokens"].contents()
    embedding = next(t for t in theirs.tensors if t.name == "token_embd.weight")
    assert len(tokens) == len(set(tokens)) == settings.vocabulary == embedding.shape[1]
    model = open_model(path)
    _, read = gguf_load(Tensor(path))[:2]
    for name in ("token_embd.weight", "blk.0.attn_q.weight", "blk.1.ffn_down.weight"):
        info = model.tensors[name]
        raw = model.container.tensor_bytes(name)
        ours = quant_types.decode(info.quant_type, raw, info.shape, tensor=name)
        packed = next(t for t in theirs.tensors if t.name == name)
        assert np.array_equal(gguf.quants.dequantize(packed.data, packed.tensor_type), ours)
        found = read[name].float().to("CPU").numpy()
        assert np.abs(found - ours).max() <= 1e-3 * np.abs(ours).max()


def test_the_tokenizer_goes_along(exported, tmp_path):
    """The ids of a text through the GGUF file are those that the corpus has of it."""
    corpus, folder, _, _, _, vocabulary = exported
    path = tmp_path / "model.gguf"
    convert(open_source(folder), path)
    tokenizer = Tokenizer.from_gguf(path)
    text = "def seal(row):\n    return [row // 7, 'étage', None]\n"
    opened = vocabularies.load(corpus.folder / TOKENIZER)
    assert list(tokenizer.encode(text)) == opened.encode([text])[0].tolist()
    metadata = open_container(path).metadata
    assert metadata["tokenizer.ggml.eos_token_id"] == vocabulary.end_id


def test_what_cannot_be_exported(exported, tmp_path):
    """A folder that has a model, and a tokenizer of another size."""
    _, folder, _, _, settings, vocabulary = exported
    state = first_state(settings)
    with pytest.raises(FileUnwritable, match=r"has config\.json"):
        export(folder, settings, state, vocabulary)
    other = Vocabulary(content=vocabulary.content, tokens=300, end_id=0)
    with pytest.raises(BadOption, match="300 tokens"):
        export(tmp_path / "other", settings, state, other)
