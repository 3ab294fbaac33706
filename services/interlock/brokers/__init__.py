"""Brokers that Interlock can start for you, and the topics on them."""
