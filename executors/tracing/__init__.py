"""Parts of `ledger run trace`, which other executors use: options, the prompt, and recording."""
