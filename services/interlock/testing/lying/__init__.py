"""A broker that lies: one vocabulary of lies (`lies`), what a reader is then told (`told`), and two adapters.

`bus.LyingBus` tells them to one client of the bus in memory, in virtual time; `proxy.LyingProxy` tells them to every client that reaches
a real broker through it. A broker can sign nothing: it can only choose what to show, where and when, and that is what the lies are.

Not handled here: forged and damaged records, which anybody can write (`tests/simulation/hostile`); acknowledgements of what was not
stored, and committed offsets that were not committed.
"""
