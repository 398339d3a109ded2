"""The recordings that a site plays, read as its links would read them."""

from pumpwatch_gui.acquire.driver import LinkSpec
from pumpwatch_gui.acquire.replay import ReplayConfig, recording_of
from pumpwatch_gui.domain.errors import InputError, Problem
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.files.recordings.reading import read_recording


def recording_problems(site: Site) -> tuple[list[Problem], list[Problem]]:
    """What is wrong with each recording, and what there is to tell of those that can be played. Reads them whole."""
    problems, cautions = list[Problem](), list[Problem]()
    for pump in site.pumps:
        for number, config in enumerate(pump.links, 1):
            if not isinstance(config, ReplayConfig):
                continue
            path = f"pump {pump.pump_id}, link {number}, file"
            try:
                recording = read_recording(*recording_of(LinkSpec("", "", pump.profile, config, site.folder)))
            except InputError as error:
                problems.append(Problem(path, error.message, error.advice))
            else:
                cautions += [Problem(path, f"{recording.path.name}: {note}") for note in recording.notes]
    return problems, cautions
