import os
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from interlock.brokers.free_ports import free_ports
from interlock.brokers.real import KafkaCluster
from interlock.brokers.topics_admin import create_topics

if os.environ.get("KAFKA_BOOTSTRAP_SERVERS") and not shutil.which("java"):
    collect_ignore = [  # whoever names a broker need not be able to start one
        "contract/test_real_broker.py",
        "contract/test_real_cluster.py",
        "e2e/test_survive.py",
        "integration/test_hostile_kafka.py",
    ]

settings.register_profile("interlock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("interlock")  # a busy machine is no fault of the code's


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(name): what a test needs of a broker, a name of `embedded.LACKS`")


@pytest.fixture
def unused_tcp_port() -> int:
    """A port for a process that is started later: pytest-asyncio's of this name may have gone to somebody else by then."""
    (port,) = free_ports(1)
    return port


@pytest.fixture(scope="session")
def real_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real broker with our topics: the one that is named by the environment, or one for this session."""
    named = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    broker = None if named else KafkaCluster.start(tmp_path_factory.mktemp("kafka"))
    try:
        bootstrap = named or broker.bootstrap
        create_topics(bootstrap)
        yield bootstrap
    finally:
        if broker is not None:
            broker.stop()
