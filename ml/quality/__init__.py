"""How good a model is: what it makes of a text, how far two models part, how fast one is, gates.

Each file has one question; what they share is in `passages`, `likelihood` and `intervals`.
"""
