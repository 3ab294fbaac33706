"""The protocol explored exhaustively: the real cores, every order of events within bounds, and what must always hold.

Read in this order: `world` (who takes part, and what is true), `owner` and `router` (one process each, around the real cores), `hearing`
and `thief` (what may be said to them), `bus` (what was said), `facts` (what the rules make of it, as an oracle), `invariants` (what must
hold), `product` (all of it together), `search` (breadth first, the shortest story), `healing` (what comes after the last fault); then
`guards`, `mutant`, `gate`: the same with one guard removed.
"""
