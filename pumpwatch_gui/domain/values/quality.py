"""Quality of a value and the reason behind it, after the OPC UA status names."""

from enum import IntEnum

import numpy as np


class Quality(IntEnum):
    """How far a value may be trusted. Ordered: a derived value takes the maximum of its inputs."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2

    @property
    def word(self) -> str:
        """The lower-case word used in files (`good`, `uncertain`, `bad`)."""
        return self.name.lower()


GOOD_CODE, BAD_CODE = np.uint8(Quality.GOOD), np.uint8(Quality.BAD)
"""For arrays of qualities: numpy takes six times as long to compare one with the member of an IntEnum."""


class Reason(IntEnum):
    """Why a value is not GOOD (OPC UA Part 8 names where one exists)."""

    NONE = 0
    WAITING_FOR_INITIAL_DATA = 1
    NO_COMMUNICATION = 2  # the link is down
    TIMEOUT = 3  # the device did not answer in time
    COMMUNICATION_ERROR = 4  # an answer that failed the strict checks
    DEVICE_FAILURE = 5  # the device answered with an exception
    SENSOR_FAILURE = 6  # the register holds its not-available value
    NOT_A_NUMBER = 7
    OUT_OF_RANGE = 8  # outside the sensor's span
    NOT_CONNECTED = 9  # no point is bound to this tag
    CONFIGURATION_ERROR = 10
    LAST_USABLE_VALUE = 11  # the value is too old
    FROZEN = 12  # the device answers, but nothing changes
    NOT_REQUESTED = 13  # more responses came than were requested: this value may be another's
    SIGNAL_LIMIT = 14  # a 4-20 mA signal at the end of its range (NAMUR NE 43)
    NOT_RUNNING = 15  # a quantity that a standing pump does not have, such as an efficiency
    NOT_STORED = 16  # of a history under review: nothing is stored of this time
    NOT_KEPT = 17  # of a history under review: it keeps the quality, not the reason

    @property
    def text(self) -> str:
        """Words for a person."""
        return _TEXT[self]


_TEXT = {
    Reason.NONE: "",
    Reason.WAITING_FOR_INITIAL_DATA: "waiting for the first answer",
    Reason.NO_COMMUNICATION: "no communication",
    Reason.TIMEOUT: "no answer in time",
    Reason.COMMUNICATION_ERROR: "answer refused",
    Reason.DEVICE_FAILURE: "device reports an exception",
    Reason.SENSOR_FAILURE: "sensor reports not available",
    Reason.NOT_A_NUMBER: "not a number",
    Reason.OUT_OF_RANGE: "outside the sensor's span",
    Reason.NOT_CONNECTED: "no point bound",
    Reason.CONFIGURATION_ERROR: "configuration error",
    Reason.LAST_USABLE_VALUE: "value too old",
    Reason.FROZEN: "device answers, values frozen",
    Reason.NOT_REQUESTED: "another master or a repeating device",
    Reason.SIGNAL_LIMIT: "signal at the end of its range",
    Reason.NOT_RUNNING: "only while the pump runs",
    Reason.NOT_STORED: "nothing is stored of this time",
    Reason.NOT_KEPT: "the history keeps no reason",
}
