"""Servers that answer for the same model, and the table that they learn from; `benchmarks/serving.py` runs them."""
