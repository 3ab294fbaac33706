"""The decision service: verdicts, policies and commands in; a journalled, signed routing change out."""
