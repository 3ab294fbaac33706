"""The drill: what a conforming system must show, run against a real deployment, with the evidence that an auditor can file."""
