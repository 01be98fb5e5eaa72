"""What can be set about the process."""

from __future__ import annotations

from typing import Any

import pytest

from device.errors import ConfigError
from device.house import configuration


def test_no_port_is_open_by_default_and_one_that_is_set_is_claimed() -> None:
    """So that nothing else takes it."""
    assert configuration.parse({}).service.metrics.port is None
    assert not configuration.claims(configuration.parse({}))
    claims = configuration.claims(configuration.parse({"service": {"metrics": {"port": 9101}}}))
    assert [claim.what for claim in claims.values()] == ["TCP port 9101"]


@pytest.mark.parametrize(
    "metrics",
    [{"port": 9101, "address": "0.0.0.0"}, {"address": "192.168.1.5"}, {"address": ""}, {"port": 80}, {"port": 70_000}],
)
def test_figures_are_not_served_to_the_network(metrics: dict[str, Any]) -> None:
    """Nor at a port of the system's."""
    with pytest.raises(ConfigError, match=r"service\.metrics\.(address|port)"):
        configuration.parse({"service": {"metrics": metrics}})
