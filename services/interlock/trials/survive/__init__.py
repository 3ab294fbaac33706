"""The drill of survival: what breaks under a running deployment, one thing after the other, and what that costs.

    survived = await play(Survival(folder, only=("leader-audit",)), tell=print)

Each *fault* is a cell of a table: it is inflicted on a deployment under steady traffic, healed, and measured from the outside: requests
that no approved model should have answered, records of the audit log that are gone, changes that were made twice.

`fault` says what a fault is, `world` what it may touch, `measured` what counts; the faults themselves are in `cells`.
"""
