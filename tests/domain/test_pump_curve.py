"""The curve of a pump: from points, or fitted to clean samples and to no more than they tell."""

import numpy as np
import pytest

from pumpwatch_gui.domain.pump.curve import CurvePoints, fitted_curve, maker_curve


def samples(
    low: float, high: float, *, count: int = 1000, slope: float = -12 / 1450**2
) -> tuple[np.ndarray, np.ndarray]:
    """Flows and heads of the simulated pump between two flows, with some scatter."""
    rng = np.random.default_rng(2)
    flow = rng.uniform(low, high, count)
    return flow, 60.0 + slope * flow**2 + rng.normal(0, 0.2, count)


def test_a_fit_finds_the_curve_and_ends_where_the_samples_do() -> None:
    curve = fitted_curve(*samples(900, 1600))
    assert curve is not None
    assert (curve.flow_l_min.min(), curve.flow_l_min.max()) == pytest.approx((900, 1600), abs=20)
    np.testing.assert_allclose(curve.head_m, 60 - 12 * (curve.flow_l_min / 1450) ** 2, atol=0.1)
    assert "fitted" in curve.origin


def test_outliers_and_gaps_do_not_move_it() -> None:
    flow, head = samples(900, 1600)
    head[::50] = 5.0
    flow[::70] = np.nan
    curve = fitted_curve(flow, head)
    assert curve is not None
    np.testing.assert_allclose(curve.head_m, 60 - 12 * (curve.flow_l_min / 1450) ** 2, atol=0.5)


@pytest.mark.parametrize(
    ("flow", "head"),
    [samples(1440, 1460), samples(900, 1600, count=50), samples(900, 1600, slope=5e-6), (np.empty(0), np.empty(0))],
    ids=["one duty point", "few", "a system curve", "none"],
)
def test_samples_that_do_not_tell_a_curve_give_none(flow: np.ndarray, head: np.ndarray) -> None:
    assert fitted_curve(flow, head) is None


def test_a_makers_curve_goes_through_its_points_and_wrong_points_are_refused() -> None:
    curve = maker_curve(CurvePoints((0.0, 500.0, 1000.0), (50.0, 48.0, 40.0)))
    assert curve.head_m.tolist() == [50.0, 48.0, 40.0]
    for flow, head in (((0.0, 1.0), (1.0, 1.0)), ((0.0, 2.0, 1.0), (3.0, 2.0, 1.0)), ((0.0, 1.0, 2.0), (3.0, 2.0))):
        with pytest.raises(ValueError, match=r"rise|points|as many"):
            CurvePoints(flow, head)
