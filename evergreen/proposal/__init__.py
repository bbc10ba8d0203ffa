"""What an unseen table seems to be: its profile, and the contract and parameters that follow from it."""
