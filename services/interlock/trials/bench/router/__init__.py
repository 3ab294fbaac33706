"""How fast a router answers, judges and starts, each beside what it is compared with.

`fleet` is what the topics hold, `judged` measures single records, `started` a router that begins with all of them.
"""
