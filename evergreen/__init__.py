"""Evergreen: a machine-learning lifecycle that a small team owns as a repository."""
