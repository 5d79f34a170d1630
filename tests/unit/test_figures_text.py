"""What processes count: the text is what Prometheus reads, labels stay few, nothing foreign becomes a figure."""

import math
from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from channels.figures import MOST_SERIES, OTHER, Figures, exposed, gauge, joined, packed, unpacked
from ops.figures.process import figures_of_this_process


def read(text: str) -> dict[str, list[tuple[str, Mapping[str, str], float]]]:
    """By family: name, labels and value of each sample, as the reader of Prometheus's own client sees them."""
    return {
        family.name: [(sample.name, sample.labels, sample.value) for sample in family.samples]
        for family in parsed(text)
    }


def test_counters_gauges_and_histograms_read_back_as_they_were_counted() -> None:
    figures = Figures()
    asked = figures.counter("keystall_asked_total", "Asked.", "who")
    asked.add("a")
    asked.add("a", by=2)
    took = figures.histogram("keystall_took_seconds", "Took.", "what")
    took.observe(0.004, "x")
    took.observe(0.3, "x")
    took.observe(60, "x")
    figures.gauge("keystall_now", "Now.", lambda: math.nan)

    found = read(exposed(figures.families()))

    assert found["keystall_asked"] == [("keystall_asked_total", {"who": "a"}, 3.0)]
    buckets = {sample[1]["le"]: sample[2] for sample in found["keystall_took_seconds"][:-2]}
    assert buckets == {"0.005": 1, "0.025": 1, "0.1": 1, "0.5": 2, "2.5": 2, "10.0": 2, "+Inf": 3}
    assert found["keystall_took_seconds"][-2:] == [
        ("keystall_took_seconds_sum", {"what": "x"}, 60.304),
        ("keystall_took_seconds_count", {"what": "x"}, 3.0),
    ]
    assert math.isnan(found["keystall_now"][0][2])


def test_a_label_may_hold_quotes_backslashes_and_line_ends() -> None:
    odd = 'a"b\\c\nd'

    found = read(exposed([gauge("keystall_odd", 'says "\\n"\nand more', {(odd,): 1.5}, ("text",))]))

    assert found["keystall_odd"] == [("keystall_odd", {"text": odd}, 1.5)]


def test_a_label_that_takes_too_many_values_does_not_grow_without_end() -> None:
    counter = Figures().counter("keystall_many_total", "Many.", "value")

    for number in range(MOST_SERIES + 50):
        counter.add(str(number))

    samples = counter.family().samples
    assert len(samples) == MOST_SERIES + 1
    assert [one.value for one in samples if one.labels == {"value": OTHER}] == [50]


def test_a_counter_without_labels_is_there_before_anything_happened() -> None:
    figures = Figures()
    figures.counter("keystall_never_total", "Never.")

    assert "\nkeystall_never_total 0\n" in exposed(figures.families())


def test_figures_travel_between_processes_and_keep_whose_they_are() -> None:
    figures = Figures()
    figures.counter("keystall_asked_total", "Asked.", "who").add("a")
    figures.gauge("keystall_unknown", "Unknown.", lambda: math.nan)

    web, worker = unpacked(packed(figures.families())), figures.families()
    both = joined([*((one, {"process": "web"}) for one in web), *((one, {"process": "worker"}) for one in worker)])

    assert [(one.name, [dict(sample.labels) for sample in one.samples]) for one in both] == [
        ("keystall_asked_total", [{"who": "a", "process": "web"}, {"who": "a", "process": "worker"}]),
        ("keystall_unknown", [{"process": "worker"}]),
    ]
    assert len(read(exposed(both))) == 2


@pytest.mark.parametrize(
    "foreign",
    [
        None,
        7,
        {"a": 1},
        [1],
        [["x"]],
        [["Bad name", "gauge", "m", []]],
        [["keystall_x", "no kind", "m", []]],
        [["keystall_x", "gauge", "m", [["", {}, "1"]]]],
        [["keystall_x", "gauge", "m", [["_evil", {}, 1]]]],
        [["keystall_x", "gauge", "m", [["", {'a="1"} 1\nevil': "x"}, 1]]]],
        [["keystall_x", "gauge", None, []]],
    ],
)
def test_what_is_no_figure_is_refused(foreign: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpacked(foreign)


def test_a_process_knows_its_own_memory_descriptors_and_code() -> None:
    found = read(exposed(figures_of_this_process(started_at=1000.0).families()))

    assert found["keystall_process_start_time_seconds"][0][2] == 1000.0
    assert found["keystall_process_memory_bytes"][0][2] > 10_000_000
    assert found["keystall_process_descriptors"][0][2] >= 3
    assert found["keystall_build_info"][0][1]["version"] == "0.1.0"


def test_a_name_that_is_none_is_refused_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="no name of a figure"):
        Figures().counter("Keystall-Asked", "Asked.")


def test_one_name_is_one_kind_of_figure() -> None:
    figures = Figures()
    figures.counter("keystall_asked_total", "Asked.")

    with pytest.raises(TypeError, match="is no histogram"):
        figures.histogram("keystall_asked_total", "Asked.")
