"""Services that write down when they come to each point of a change's way, each a module that runs in the place of the real one.

They are the real services, with their keys, settings and topics: only what they do anyway is noted, with the time since boot, which
is the same in every process of one machine. No setting leads here; a bench names the module.

    decision   when it read a verdict, had verified and decided it, and had the audit record and the orders acknowledged
    gateway    when it read an order, had judged it, had its mark on disk, and when its resolver answered by it
"""
