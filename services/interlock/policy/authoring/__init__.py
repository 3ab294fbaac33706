"""Policies as people write them: readable YAML in; a compiled, self-contained policy or a list of problems out. Pure.

`source` reads YAML strictly and remembers places, `documents` says what may be written, `problems` tells a person what to
mend and where, `compile` makes what is signed.
"""
