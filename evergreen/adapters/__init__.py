"""One thin adapter per vendor: a vendor's result in, one of our values out."""
