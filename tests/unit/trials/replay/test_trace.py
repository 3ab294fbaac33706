import pytest

from interlock.records.health import Outcome
from interlock.trials.replay.trace import Format, RecordedCall, read_trace
from interlock.vocabulary.errors import ConfigurationError

LLMPERF = "provider,model_size,ttft_s,end_to_end_latency_s,input_tokens,output_tokens,error_code"
OWN = "timestamp_s,model,latency_s,first_token_s,outcome"


def read(*lines: str, written: Format | None = None) -> list[RecordedCall]:
    return read_trace(lines, written, "trace.csv")


def refusal(*lines: str, written: Format | None = None) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read(*lines, written=written)
    assert refused.value.exit_code == 2
    return refused.value.message


def test_each_provider_and_size_is_a_model_whose_calls_are_a_second_apart_in_the_files_order() -> None:
    calls = read(LLMPERF, "Groq,70b,0.2,0.8,550,151,", "lepton,7b,0,0,550,1,429", "Groq,70b,0.3,0.9,550,151,")
    assert calls == [
        RecordedCall(1.0, "groq-70b", Outcome.OK, 0.8, 0.2),
        RecordedCall(1.0, "lepton-7b", Outcome.THROTTLED, 0.0, None),
        RecordedCall(2.0, "groq-70b", Outcome.OK, 0.9, 0.3),
    ]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("", Outcome.OK),
        ("429", Outcome.THROTTLED),
        ("500", Outcome.SERVER_ERROR),
        ("401", Outcome.CREDENTIAL),
        ("-100", Outcome.CONNECTION),
        ("-1", Outcome.SERVER_ERROR),
    ],
)
def test_error_codes_mean_what_they_say(code: str, outcome: Outcome) -> None:
    (call,) = read(LLMPERF, f"bedrock,13b,0.5,1.5,550,1,{code}")
    assert call.outcome is outcome


@pytest.mark.parametrize("code", ["oops", "200", "7", "600"])
def test_a_code_that_is_none_is_refused_with_its_line(code: str) -> None:
    assert "trace.csv, line 3: " in refusal(LLMPERF, "a,b,0,0,1,1,", f"a,b,0,0,1,1,{code}")


def test_calls_of_ones_own_format_are_told_when_they_are_over_and_begin_at_zero() -> None:
    calls = read(OWN, "105.0,birch,1.0,,timeout", "100.0,atlas,2.5,0.5,ok")
    assert calls == [
        RecordedCall(2.5, "atlas", Outcome.OK, 2.5, 0.5),
        RecordedCall(6.0, "birch", Outcome.TIMEOUT, 1.0, None),
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("100.0,atlas,2.5,0.5", "number of fields"),
        ("100.0,atlas,2.5,0.5,ok,more", "number of fields"),
        ("noon,atlas,2.5,0.5,ok", "timestamp_s is 'noon'"),
        ("nan,atlas,2.5,0.5,ok", "timestamp_s is 'nan'"),
        ("1,atlas,-2.5,0.5,ok", "latency_s is below zero"),
        ("1,atlas,2.5,inf,ok", "first_token_s is 'inf'"),
        ("1,atlas,2.5,0.5,fine", "'fine' is no outcome"),
        ("1,at las,2.5,0.5,ok", "cannot name a model"),
        (f"1,{'a' * 61},2.5,0.5,ok", "cannot name a model"),
    ],
)
def test_a_line_that_is_no_call_is_named(line: str, what: str) -> None:
    message = refusal(OWN, "1,atlas,1,,ok", line)
    assert "line 3" in message
    assert what in message


def test_the_format_is_known_by_its_columns_and_a_named_one_must_have_them() -> None:
    assert read(OWN, "1,atlas,1,,ok")[0].model == "atlas"
    assert "lacks columns" in refusal(OWN, "1,atlas,1,,ok", written=Format.LLMPERF)
    assert "lacks columns" in refusal("when,what", "1,2")


@pytest.mark.parametrize("lines", [(OWN,), ()])
def test_a_trace_without_calls_is_refused(lines: tuple[str, ...]) -> None:
    refusal(*lines)
