"""Choosing a model: the families that may be tried, and the search over folds."""
