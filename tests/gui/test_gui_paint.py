"""What is painted, and what is not painted again."""


def test_a_frame_in_which_nothing_changed_costs_next_to_nothing(open_window):
    window = open_window(50, scenes={}, size=(1600, 900))
    window.refresh()
    tiles = window.page("overview").tiles
    painted = []
    tiles.paintEvent = lambda event: painted.append(event)
    view = window.context.station.latest()
    tiles._turn = 5
    for _ in range(3):
        tiles.refresh(view)
    assert painted == []
