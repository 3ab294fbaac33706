"""What may stand on a topic, and what becomes of it: the table, the bytes, and a world of all services to put them into.

Read in this order: `table` (topic × input × what is expected), `inputs` (how each is made), `world` (who reads it).
"""
