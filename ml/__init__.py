"""Numbers only: model files in, activations, statistics and comparisons out.

Read in the order of the flow: `containers` and `quant_types` (bytes to weights), `architectures`
(what the weights mean), `tokenizer`, `engines` (weights to activations), `points`, `statistics`
and `sketch` (activations to rows of numbers), `tracing` and `comparison` (what others call).

This room knows nothing of the ledger. Importing it costs nothing: tinygrad, gguf and tokenizers are
imported where they are first needed, and the numpy engine never imports tinygrad at all.
"""
