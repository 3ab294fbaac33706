"""The judgement itself: pure, the time is an argument. `monitor` is the way in; each detector is one small file."""
