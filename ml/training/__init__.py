"""Training: a decoder of the Llama family, from nothing, in float32 on a CPU and bf16 on a card.

presets.py      sizes of models
settings.py     everything that decides how a run goes, and the learning rate of a step
weights.py      shapes by name, and the weights that a seed gives
layer.py        one layer and its norm, in tinygrad
cross_entropy.py  loss and gradient in chunks: the logits of a batch never live whole
gradients.py    forward, and backward layer by layer
adamw.py        clipping and the optimizer
kernels.py      tinygrad's programs, kept for the next process
trainer.py      steps, evaluations, and the state of a run
loop.py         a run step by step; gates.py what ends it, evaluation.py intervals
checkpoints.py  the state as a file, its hash, and back; oracle.py what must hold once it is loaded
sampling.py     prompts continued, and how much of it parses
"""
