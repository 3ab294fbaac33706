from pathlib import Path

import pytest

from interlock.health_monitor.probe.settings import ProbeSettings
from interlock.health_monitor.settings import HealthMonitorSettings
from interlock.runtime.settings import ServiceSettings
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import seconds

FIRST = """bootstrap = "127.0.0.1:9092"
deployment = "testbed"
trust_root = "root-1.sealed"
owner = "service-1"
key = "service-1.pem"
"""


def load(settings: type[ServiceSettings], tmp_path: Path, extra: str) -> ServiceSettings:
    path = tmp_path / "settings.toml"
    path.write_text(FIRST + extra, encoding="utf-8")
    return settings.load(path)


def test_what_a_service_cannot_start_without_is_all_that_must_be_written(tmp_path: Path):
    monitor = load(HealthMonitorSettings, tmp_path, "")
    assert isinstance(monitor, HealthMonitorSettings)
    assert (monitor.rules.window_us, monitor.rules.faults_in_a_row) == (seconds(30), 5)
    assert load(ProbeSettings, tmp_path, "").key == tmp_path / "service-1.pem"


@pytest.mark.parametrize(
    ("settings", "extra", "said"),
    [
        (HealthMonitorSettings, 'validity = "1900ms"', "twice refresh"),
        (HealthMonitorSettings, 'silence = "31s"', "refresh ≤ silence ≤ window"),
        (HealthMonitorSettings, 'refresh = "0s"', "twice refresh"),
        (HealthMonitorSettings, "faults_in_a_row = 0", "faults_in_a_row"),
        (HealthMonitorSettings, "window = 30", "unit"),
        (ProbeSettings, 'interval = "0s"', "more than 0"),
        (ProbeSettings, 'interval = "10ms"', "pile up"),
        (ProbeSettings, "intervall = 1", "interval"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_mend(
    settings: type[ServiceSettings], extra: str, said: str, tmp_path: Path
):
    with pytest.raises(ConfigurationError, match=said):
        load(settings, tmp_path, extra)
