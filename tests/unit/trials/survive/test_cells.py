"""What the faults are made of."""

import pytest

from interlock.records.health import TelemetryBatch
from interlock.records.sealing import open_sealed
from interlock.signing.verifier import Verified
from interlock.testing.builders import NOW, Deployment
from interlock.testing.doubles.stepped_clock import module_of
from interlock.trials.stage import MODULES
from interlock.trials.survive.catalogue import FAULTS
from interlock.trials.survive.flood import genuine
from interlock.trials.survive.run import BESET, SERVICES, _beset
from interlock.vocabulary.limits import ENVELOPE_BYTES_MAX


def test_no_two_faults_have_one_name_and_each_says_what_must_be_seen():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all(fault.title and fault.expected for fault in FAULTS)


def test_services_run_as_doubles_only_where_a_fault_is_within_them():
    within = [fault for fault in FAULTS if fault.within]
    assert within
    assert _beset([fault for fault in FAULTS if not fault.within]) == {}
    assert _beset(within[:1]) == dict.fromkeys(SERVICES, BESET)


@pytest.mark.parametrize("service", SERVICES)
def test_the_double_runs_the_service_that_its_settings_are_named_after(tmp_path, service):
    assert module_of(tmp_path / f"{service}.toml") == MODULES[service.removesuffix("-2")]


def test_the_genuine_half_of_the_flood_is_believed_and_no_two_batches_are_one():
    deployment = Deployment(now=NOW)
    batches = genuine("gateway-1", deployment.key("gateway-1"), NOW)
    opened = [open_sealed(sealed, deployment.root, TelemetryBatch) for sealed in batches[:3]]
    assert all(isinstance(each, Verified) for each in opened)
    assert len({each.value.sequence for each in opened}) == 3
    assert all(50_000 < len(sealed) < ENVELOPE_BYTES_MAX for sealed in batches)
