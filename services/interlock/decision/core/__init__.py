"""The decision itself. Pure: no clock, no IO, no randomness; equal inputs give equal bytes.

Rule 1 of the design, what policy allows, is in `policy.admissible`: routers ask the same. The others, in their order:

    2   Usable              `usable`: what may be entered, what forces a route out
    3   Where to be         `target`, which asks the others; `choice` holds what all of them ask first
    4   Triggers            `usable`: kinds, `for`, modes, guards
    5   Canary              `canary`
    6   Recovery            `recovery`: stable period, dwell, damping, the cap on moving up
    7   Material change     `choice.needs_approval`, `choice.propose`, `target`; `commands` for what people answer
    9   The order itself    `change`; how long it is expected to last: `expected`; what it leaves behind: `consequences`
    10  One step            `events` and `inputs` (what comes in), `decide` (the one entry point), `step` (one audit record)
        What is known       `state`, entry by entry; `agenda` and `moments`: what must be looked at, and when
        Silence             `freshness` turns it into an event; `intake`: what is not worth a signature check
        Starting again      `journal` (the log), `projection` (the state topic)
    11  One writer          `tenure`: from the claim to the first doubt

To read it: `state`, `usable`, `choice`, `target`, `canary`, `recovery`, `change`, `decide`; then the transcripts in
`tests/golden/decision`.
"""
