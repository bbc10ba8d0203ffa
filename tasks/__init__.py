"""The steps: one module per step, each the boundary between files and the domain."""
