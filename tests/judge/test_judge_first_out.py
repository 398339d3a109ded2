"""First-out: of the alarms of an episode of a pump, the one that came first, whatever becomes of the others."""

from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.domain.alarms.alarm import AlarmState, Stimulus
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from tests.judge.test_judge_desk import raised, signal


def test_the_first_of_an_episode_is_marked_until_the_episode_is_over() -> None:
    desk = raised(("P", "oil"))
    assert desk.first_out("P") == "", "alone it is the first of nothing"
    desk.apply("P", signal("bearing"), 2)
    desk.apply("Q", signal("flow"), 3)
    assert (desk.first_out("P"), desk.first_out("Q")) == ("P/oil", "")
    for source in ("oil", "bearing"):
        desk.apply("P", signal(source, Stimulus.RETURNED), 4)
        desk.acknowledge(f"P/{source}", by="asha", time_ns=5)
    desk.apply("P", signal("bearing"), 6)
    desk.apply("P", signal("oil"), 7)
    assert desk.first_out("P") == "P/bearing", "another episode has another first"


def test_no_other_becomes_the_first_when_it_is_gone() -> None:
    desk = raised(("P", "oil"), ("P", "bearing"), ("P", "vibration"))
    desk.apply("P", signal("oil", Stimulus.RETURNED), 4)
    desk.acknowledge("P/oil", by="asha", time_ns=5)
    assert desk.first_out("P") == ""


def test_it_is_known_after_a_restart_and_under_another_name() -> None:
    desk = raised(("P", "zeal"), ("P", "alpha"), ("P", "beta"))
    assert AlarmDesk(desk.alarms, time_ns=9, mono_ns=9).first_out("P") == "P/zeal"
    desk.rename("P", "R", 10)
    assert (desk.first_out("P"), desk.first_out("R")) == ("", "R/zeal")


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(("raise", "return", "acknowledge", "shelve", "back"))))
)
def test_it_is_that_of_a_plain_model_whatever_happens(steps: list[tuple[str, str]]) -> None:
    desk, first = AlarmDesk(), ""
    for now, (source, step) in enumerate(steps, start=1):
        alarm_id = f"P/{source}"
        match step:
            case "raise":
                desk.apply("P", signal(source), now)
            case "return":
                desk.apply("P", signal(source, Stimulus.RETURNED), now)
            case "acknowledge":
                desk.acknowledge(alarm_id, by="asha", time_ns=now)
            case "shelve":
                desk.shelve(
                    alarm_id, by="asha", reason="test", seconds=60, one_shot=False, time_ns=now, mono_ns=now
                )  # fmt: skip
            case _:
                desk.unshelve(alarm_id, by="asha", time_ns=now)
        announced = [alarm.alarm_id for alarm in desk.alarms]
        first = "" if not announced else first or announced[0]
        assert desk.first_out("P") == (first if len(announced) > 1 and first in announced else "")
        assert all(alarm.state is not AlarmState.NORMAL for alarm in desk.alarms)
