"""The shared shell of every service: bus, settings, clock, lifecycle, logs, metrics, health. All IO lives out here."""
