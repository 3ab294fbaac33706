"""The protocol explored exhaustively: the real cores, every order of events within bounds, and what must always hold.

Read in this order: `world` (who takes part, and what is true), `catalogue` (the records), `owner` and `router` (one process each,
around the real cores), `bus` (what was said), `invariants` (what must hold), `product` (all of it together), `search` (breadth
first, the shortest story), `healing` (what comes after the last fault); then `guards`, `mutant`, `gate`: the same with one guard removed.
"""
