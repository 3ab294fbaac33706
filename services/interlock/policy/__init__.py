"""What is approved: the documents that are held, and the one rule that says whether a model may be used. Pure.

Decision, router and `interlock policy check` must agree on this rule, so it is here and nowhere else.
"""
