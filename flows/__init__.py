"""Composition: which steps, in which order, and what is decided between them."""
