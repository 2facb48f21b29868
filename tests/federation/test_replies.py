"""Answers of a length that no honest node's has."""

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, Error, Message, RecordDict

from federation.client_app import app as client_app
from federation.engines import inprocess
from federation.records import from_record

SIZES = {"weekdays": 7, "types": 7 * 80}


def model_of(config, answer):
    """Train while two of twelve nodes give an answer of their own."""

    def client(message, context):
        if context.node_config["partition-id"] not in (2, 7):
            return client_app(message, context)
        return answer(message, SIZES.get(message.metadata.group_id, 4))

    state = inprocess.drive(config, nodes=12, client=client).state
    return from_record(state["model"]), state["report"]["json"]


def missing(message, size):
    return Message(Error(code=0, reason="anything"), reply_to=message)


@pytest.mark.parametrize("noise", ["aggregator", "every_node"])
def test_sums_longer_than_everybody_s_together_are_left_out_and_others_are_not(make_config, noise):
    config = make_config(epsilon=4.0, noise=noise)
    honest, report = model_of(config, lambda message, size: sent(message, np.zeros(size)))
    assert '"dropped": 0' in report
    assert np.abs(honest["weights"]).max() > 0
    wanted, _ = model_of(config, missing)
    for value in (1e4, 1.7e308):
        found, report = model_of(config, lambda message, size, value=value: sent(message, np.full(size, value)))
        assert '"dropped": 8' in report
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name], values)


def sent(message, values):
    return Message(RecordDict({"sum": ArrayRecord({"sum": Array(values)})}), reply_to=message)
