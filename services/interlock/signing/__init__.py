"""Who may say what, and how it is checked. Pure: private keys are handed in, nothing is read from disk."""
