"""What a link counts: response times are found again once enough of them are new, and the first at once."""

from math import isnan

from pumpwatch_gui.acquire.links.meter import LinkMeter


def test_the_first_response_times_are_shown_at_once_and_later_ones_with_a_tenth_of_them() -> None:
    meter = LinkMeter()
    assert all(isnan(ms) for ms in meter.response_ms())
    for count in range(1, 10):
        meter.count_good(10.0 * count)
        assert meter.response_ms()[0] == 5.0 * (count + 1)
    for _ in range(191):
        meter.count_good(50.0)
    assert meter.response_ms() == (50.0, 50.0)
    shown = []
    for _ in range(150):
        meter.count_good(400.0)
        shown.append(meter.response_ms()[1])
    assert shown[:10] == [50.0] * 10
    assert shown[30] == 400.0
