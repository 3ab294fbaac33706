"""What each agent would do in an incident, by the real cores in virtual time, before a policy counts.

Read in this order: `stand_in` (how a draft that nobody signed can be decided on), `line` (health-monitor and decision, one after the
other), `outage`, `recorded` and `traced` (where an incident comes from), `run` (the incident from beginning to end), `story` (what became
of each route), `answer` and `picture` (how it is told).
"""
