"""The probe: calls every rung of every ladder, so that a standby is known before it is needed. A process of its own."""
