"""What the executors that say how good a model is share: texts, and how a run of one begins."""
