"""Tells the governance function of every change and every overdue review in the audit log, within five minutes, and writes down that it was told."""
