"""What a router believes, and what it serves. Pure: both clocks are arguments, and nothing is written here.

Read in this order: `marks` (what may never go back), `fit` (what policy forbids), `standing` (what follows for a route), `state`
(what is held), `accept` (routing changes), `renew` (heartbeats and the lease), `resolve` and `arms` (what to do with a request),
`own_steps` (what nobody ordered).
"""
