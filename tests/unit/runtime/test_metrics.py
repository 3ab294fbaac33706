"""Each service has metrics of its own, which Prometheus can read."""

from interlock.runtime.metrics import Metrics


def test_counter_gauge_and_histogram_come_out_in_prometheus_text() -> None:
    metrics = Metrics("decision")
    metrics.counter("refused", "1", "Records refused.").add(2, {"reason": "expired"})
    metrics.gauge("route_age", "s", "How old the oldest route is.").set(3.5)
    metrics.histogram("step_duration", "s", "How long a step takes.").record(0.02)
    text = metrics.render().decode()
    assert 'interlock_refused_total{reason="expired"} 2.0' in text
    assert "interlock_route_age_seconds 3.5" in text
    assert 'interlock_step_duration_seconds_bucket{le="0.025"} 1.0' in text
    assert "# HELP interlock_refused_total Records refused." in text
    assert 'service_name="decision"' in text
    metrics.close()


def test_two_services_in_one_process_do_not_mix() -> None:
    first, second = Metrics("first"), Metrics("second")
    first.counter("seen", "1", "Seen.").add(1)
    second.counter("seen", "1", "Seen.").add(5)
    assert "interlock_seen_total 1.0" in first.render().decode()
    assert "interlock_seen_total 5.0" in second.render().decode()
