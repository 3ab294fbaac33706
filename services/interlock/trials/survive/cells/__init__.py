"""The faults that are drilled, one module for each kind."""
