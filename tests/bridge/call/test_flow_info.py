"""INFO in a call: across, or to the payment alone."""

import pytest

from bridge.media import messages as m
from bridge.sip.events import (
    InfoReceived,
)
from tests.bridge.call.rig import (
    CALL,
    Rig,
)

RELAY = "application/dtmf-relay"


class TestInfo:
    """RFC 6086; digits in INFO are for the other side, or for the payment alone."""

    BODY = b"Signal=5\r\nDuration=160\r\n"

    @pytest.mark.parametrize("who", ["alice", "bob"])
    def test_info_goes_across_while_the_line_is_open(self, who: str) -> None:
        rig = Rig()
        alice, bob = rig.talk()
        if who == "alice":
            rig.alice.info(alice, RELAY, self.BODY, 0.0)
        else:
            rig.bob.info(bob, RELAY, self.BODY, 0.0)
        rig.run()
        told, dialog = (rig.bob_events, bob) if who == "alice" else (rig.alice_events, alice)
        assert told == [InfoReceived(dialog=dialog, content_type=RELAY, body=self.BODY)]
        assert rig.commands == []

    def test_the_callers_digit_is_swallowed_and_read_while_shielded(self) -> None:
        rig = Rig()
        alice, _ = rig.talk()
        rig.flow.shielded = True
        rig.alice.info(alice, RELAY, self.BODY, 0.0)
        rig.run()
        assert rig.bob_events == []
        (told,) = rig.commands
        assert isinstance(told, m.InfoKey)
        assert (told.call, told.key.reveal(), told.duration_ms) == (CALL, "5", 160)

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [(RELAY, b"Signal=what\r\n"), (RELAY, b"\xff\x00"), ("text/plain", b"5"), (RELAY, b"")],
    )
    def test_malformed_info_is_swallowed_too_while_shielded(
        self, content_type: str, body: bytes
    ) -> None:
        rig = Rig()
        alice, _ = rig.talk()
        rig.flow.shielded = True
        rig.alice.info(alice, content_type, body, 0.0)
        rig.run()
        assert rig.bob_events == []
        assert rig.commands == []

    def test_the_agents_info_goes_to_the_caller_even_while_shielded(self) -> None:
        rig = Rig()
        alice, bob = rig.talk()
        rig.flow.shielded = True
        rig.bob.info(bob, RELAY, self.BODY, 0.0)
        rig.run()
        assert rig.alice_events == [InfoReceived(dialog=alice, content_type=RELAY, body=self.BODY)]

    def test_where_the_agent_dialled_the_second_side_is_the_one_that_is_shielded(self) -> None:
        rig = Rig(first=m.Leg.AGENT)
        _, customer = rig.talk()
        rig.flow.shielded = True
        rig.bob.info(customer, RELAY, self.BODY, 0.0)
        rig.run()
        assert rig.alice_events == []
        assert [type(command) for command in rig.commands] == [m.InfoKey]
