"""The data plane: what a router believes, what it serves, and the reference gateway."""
