"""From what reporters saw to signed verdicts; and the probe, which sees to it that every standby is seen."""
