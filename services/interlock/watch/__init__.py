"""The deadline watch: sees to it that of every change in the audit log somebody was told in time, and records it where nobody was."""
