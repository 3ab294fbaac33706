"""Tells the governance function of every change in the audit log, within five minutes, and writes down that it was told."""
