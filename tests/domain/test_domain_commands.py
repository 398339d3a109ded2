"""Commands and orders: every command has its name and its role, every order its own id."""

from typing import get_args

from pumpwatch_gui.domain.commands import COMMANDS, Acknowledge, ChangeSite, Command, GiveFeedback, Order, Record
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.site_changes import RemovePump, SetLimits, SetStation, SiteChange


def test_every_command_has_a_name_of_its_own_and_a_role() -> None:
    assert set(get_args(Command)) == set(COMMANDS)
    names = [kind.name for kind in COMMANDS.values()]
    assert len(set(names)) == len(names)
    assert all(name == name.lower().strip() for name in names)


def test_every_site_change_names_the_pump_it_is_about() -> None:
    assert all(hasattr(change, "pump_id") for change in get_args(SiteChange))


def test_an_order_has_an_id_of_its_own_and_knows_its_pump() -> None:
    first, second = Order(Record("x", "P-101"), "asha"), Order(Record("x", "P-101"), "asha")
    assert first.id != second.id
    assert (first.name, first.pump_id) == ("record", "P-101")
    assert Order(Acknowledge("P-102/motor_rpm.high"), "asha").pump_id == "P-102"
    assert Order(GiveFeedback(EpisodeFeedback("P-3", 0, 1, FeedbackVerdict.TRUE)), "asha").pump_id == "P-3"


def test_a_change_of_one_pump_is_an_order_about_it_and_a_change_of_many_is_the_station_s() -> None:
    limits = SetLimits("P-1", {"motor_rpm": Limits(high=1.0)})
    assert Order(ChangeSite((limits, limits)), "asha").pump_id == "P-1"
    assert Order(ChangeSite((limits, RemovePump("P-2"))), "asha").pump_id == ""
    assert Order(ChangeSite((limits, SetStation("x", 1, "INR"))), "asha").pump_id == ""
    assert Order(ChangeSite(()), "asha").pump_id == ""
