"""What a router believes, and what it serves. Pure: both clocks are arguments, and nothing is written here.

Read in this order: `marks` (what may never go back), `state` (what is held), `accept` (routing changes), `renew` (heartbeats and
the lease), `resolve` (what to do with a request).
"""
