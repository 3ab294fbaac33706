"""What people write, as YAML, and what they sign of it. Pure.

`source` reads YAML strictly and remembers places, `document` makes of it one kind of document: the `registry` of models, a
validator's `evidence`, or an agent's `policy` (with `triggers` and `safe_states`). `compile` makes of a policy, and of the `library`
that it draws on, the self-contained record that is signed. `check` says whether that may be signed: by the one rule of
admissibility, by what every route needs to move as it says (`transitions`), and by what its kind of work asks for (`workflows`).
`problems` tells a person what to mend and where; `signatures` adds his signature to others'.
"""
