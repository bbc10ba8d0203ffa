"""The gate's checks: each says whether a candidate passed it, from numbers, and what would have changed its answer."""
