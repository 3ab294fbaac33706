"""What every service tells of itself: findings, and the telemetry of the calls it made."""
