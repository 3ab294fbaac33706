"""The decision itself. Pure: no clock, no IO, no randomness; equal inputs give equal bytes.

Read in this order: `state` (what is known), `usable` (rules 2 and 4), `target` (rules 3 and 6), `change` (rule 9),
`decide` (the one entry point), `freshness` (what turns silence into an event).
"""
