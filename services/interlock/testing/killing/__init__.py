"""Services that can be killed, stopped and woken at any call they make on a port, in virtual time.

`process` runs an incarnation of a service that can be killed or stopped; `strikes` counts its calls and says at which one something
happens to it; `bus` and `parts` are the ports that ask; `sites` finds every such call in the code. `world` puts the real services together
on the bus in memory, `story` is what happens to them, `accounts` what must be the same whether somebody was killed or not, and `trial`
runs one story with one strike. As a command, every strike there is, or one of them again:

    python -m interlock.testing.killing --victim decision
    python -m interlock.testing.killing --strike "decision kill before decision/term.py:226 interlock.audit.v1[0] 3"
"""
