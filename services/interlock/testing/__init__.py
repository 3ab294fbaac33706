"""Doubles that ship with Interlock: deployments, clocks and buses to test against."""
