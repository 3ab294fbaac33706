"""How long a verdict takes until routers act by it, beside bare hops over the same brokers in the same run.

`hops` and `relay` are the bare hops, `line` is Interlock, `figures` what is made of both, `run` the run.
"""
