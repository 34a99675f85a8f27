"""The calls of one worker: turns commands into changes of the legs, and what the legs tell into reports."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, assert_never

import numpy as np

from bridge.errors import NoPortError
from bridge.media import messages as m
from bridge.media.gate_control import GateControl
from bridge.media.intake import Intake
from bridge.media.latching import latch, unlatch
from bridge.media.leg_table import Address, LegTable
from bridge.media.open_files import open_files_allowed, port_pairs_within
from bridge.media.path import MediaPath
from bridge.media.port_pool import PortPair, PortPool
from bridge.media.press_merger import PressMerger
from bridge.media.recordings import Recordings
from bridge.media.rtcp_ports import RtcpPorts
from bridge.media.sender import Sender
from bridge.media.settings import WorkerSettings
from bridge.media.statistics import LoopTotals, WorkerStatistics
from bridge.prompts.leg_prompts import Prompts
from bridge.rtp.call_quality import CallQuality
from bridge.rtp.g711 import LAW_OF_CODEC
from bridge.rtp.quality import LegQuality
from bridge.rtp.reception import ReceptionTable
from dtmf.keys import HiddenKey

_SIDE: Final = {m.Leg.CALLER: 0, m.Leg.AGENT: 1}


@dataclass(slots=True)
class _Call:
    slot: int
    pairs: tuple[PortPair, PortPair]
    far_ends: dict[int, Address] = field(default_factory=dict)
    "By side, where its SDP last said that it is."
    merger: PressMerger = field(default_factory=PressMerger)
    was_secure: bool = False
    "The gate has been closed at least once."


class WorkerCalls:
    """All calls of a worker. `report` takes a message for the gateway."""

    def __init__(
        self,
        settings: WorkerSettings,
        report: Callable[[m.Report], None],
        *,
        epoch_s: float = 0.0,
    ) -> None:
        """`epoch_s`: Unix time when the clock of :meth:`tick` was 0."""
        self._report = report
        chance = np.random.default_rng()
        self._legs = LegTable(settings.calls, chance)
        self.sender = Sender(self._legs)
        self._recordings = Recordings(settings.calls, self._recorder_changed)
        self.path = MediaPath(
            self._legs,
            self.sender,
            settings.calls,
            self._pressed,
            self._recordings.timelines,
            self._prompt_ended,
        )
        self._prompts = Prompts(self.path.fillers.prompter, self._prompt_ended)
        self._reception = ReceptionTable(
            self._legs.in_sequence, self._legs.in_due_s, self._legs.in_jitter_s
        )
        self.rtcp = RtcpPorts(
            self._legs, self.sender, self._reception, chance=chance, epoch_s=epoch_s
        )
        self.intake = Intake(
            self._legs, self.path, self._reception, latch=self._latch, take_rtcp=self._take_rtcp
        )
        self._ports = PortPool(
            settings.host,
            settings.first_port,
            settings.last_port,
            chance.random(),
            most_pairs=port_pairs_within(open_files_allowed(), settings.calls),
        )
        self._free = deque(range(settings.calls))
        self._calls: dict[m.CallId, _Call] = {}
        self._ids: dict[int, m.CallId] = {}
        self._gates = GateControl(self.path, self._ids, report)
        self.overloaded = False
        "No new call is taken: set by the worker, which knows how late its ticks are."

    def __len__(self) -> int:
        return len(self._calls)

    def handle(self, command: m.Command) -> None:
        """Carry out one command; one for a call that is gone is nothing."""
        if isinstance(command, m.OpenCall):
            self._open(command)
            return
        if (call := self._calls.get(command.call)) is None:
            return
        match command:
            case m.SetLeg():
                self._set_leg(call, command)
            case m.SetSecure():
                call.was_secure |= command.secure
                self._gates.set_secure(call.slot, command)
            case m.StartRecording():
                path, now = Path(command.path), self.path.now
                self._recordings.start(call.slot, path, now, continues=command.continues)
            case m.PauseRecording():
                self._recordings.pause(call.slot, paused=True)
            case m.ResumeRecording():
                self._recordings.pause(call.slot, paused=False)
            case m.PlayPrompt():
                leg = 2 * call.slot + _SIDE[command.leg]
                self._prompts.play(leg, command.prompt, Path(command.path))
            case m.StopPrompt():
                self._prompts.stop(2 * call.slot + _SIDE[command.leg], command.prompt)
            case m.InfoKey():
                self._pressed_by_info(call, command)
            case m.CloseCall():
                self._close(command.call, call)
            case _:
                assert_never(command)

    def rest_ports(self, ports: Iterable[int], now: float) -> None:
        """Do not give out these ports before their far ends have moved or gone: they were another worker's."""
        self._ports.rest(ports, now)

    def tick(self, now: float) -> None:
        """Do what is due whether or not packets come."""
        self._prompts.collect()
        self.path.fill()
        self._gates.tick()
        self.rtcp.tick(now)
        self._ports.drain(now)
        self._recordings.collect_failures()

    def flush_recordings(self, now: float) -> None:
        """Give the disk what is old enough."""
        self._recordings.flush(now)

    def statistics(self, loop: LoopTotals) -> WorkerStatistics:
        """Return the totals of all calls so far, with those of the loop that runs them."""
        received, missed = self._reception.totals()
        late, sent = self._legs.totals()
        return WorkerStatistics(
            calls=len(self._calls),
            secure_calls=int(self.path.lines.secure.sum()),
            ports_in_use=self._ports.ports_in_use,
            ports=self._ports.ports,
            jitter_s=round(self._reception.jitter_s(self._legs.in_started), 6),
            packets_received=received,
            packets_missed=missed,
            packets_late=late,
            packets_malformed=self.intake.counters.malformed,
            packets_foreign=self.intake.counters.foreign_payload,
            packets_sent=sent,
            packets_unsent=self.sender.refused,
            **asdict(self.path.lines.counters.totals_of_all()),
            **asdict(loop),
        )

    def close(self) -> None:
        """End every call and wait until the recordings are on disk."""
        for name, call in list(self._calls.items()):
            self._close(name, call)
        self._recordings.stop()
        self._prompts.shut_down()
        self._ports.close()
        self.intake.close()
        self.rtcp.stop()

    def _open(self, command: m.OpenCall) -> None:
        name = command.call
        if (full := self._why_full()) is not None:
            self._report(m.CallRefused(call=name, reason=full))
            return
        try:
            caller = self._ports.take(command.caller_host)
            try:
                agent = self._ports.take(command.agent_host)
            except (NoPortError, OSError):
                self._ports.give_back(caller, self.path.now)
                raise
        except (NoPortError, OSError) as error:
            self._report(m.CallRefused(call=name, reason=str(error)))
            return
        slot = self._free.popleft()
        self._calls[name] = _Call(slot, (caller, agent))
        self._ids[slot] = name
        self.path.lines.begin(slot, command.detector)
        for side, pair in enumerate((caller, agent)):
            self._legs.open(2 * slot + side, pair.rtp, self.path.now)
            self.intake.add(2 * slot + side)
            self.rtcp.open(2 * slot + side, pair.rtcp, self.path.now)
        self._report(m.CallOpened(call=name, caller_port=caller.port, agent_port=agent.port))

    def _why_full(self) -> str | None:
        if self.overloaded:
            return "the media worker is overloaded"
        return None if self._free else f"all {len(self._calls)} call slots are in use"

    def _set_leg(self, call: _Call, terms: m.SetLeg) -> None:
        side = _SIDE[terms.leg]
        leg, far_end = 2 * call.slot + side, (terms.host, terms.port)
        self._legs.describe(
            leg,
            payload_type=terms.payload_type,
            telephone_events=(terms.telephone_event, terms.telephone_event_in),
            law=LAW_OF_CODEC[terms.codec],
            receives=terms.receive,
        )
        # What was received under other terms (codec, hold) does not join on to what comes now.
        self._legs.in_started[leg] = False
        self._legs.state_of(leg).clear_sound()
        self.path.fillers.pauses.end(leg)
        self._legs.sends[leg] = terms.send
        rtcp = (terms.rtcp_host, terms.rtcp_port) if terms.rtcp_port else None
        self.rtcp.describe(leg, rtcp, shares_port=terms.rtcp_mux)
        # Port 0 is a hold that names no address: the far end stays where it is.
        if terms.port and call.far_ends.get(side) != far_end:
            unlatch(self._legs, leg, far_end, self.path.now)
            call.far_ends[side] = far_end
        if terms.leg is m.Leg.CALLER:
            self.path.lines.caller_described(call.slot)

    def _latch(self, leg: int, source: Address) -> None:
        latch(self._legs, leg, source, self.path.now)

    def _take_rtcp(self, leg: int, data: bytes) -> None:
        self.rtcp.take_shared(leg, data, self.path.now)

    def _pressed(self, slot: int, key: HiddenKey, transport: m.Transport, start_s: float) -> None:
        name = self._ids[slot]
        if self._calls[name].merger.receive(key, transport, start_s):
            self.path.fillers.beeper.press(slot, self.path.now)
            self.path.lines.counters.count_press(slot, transport)
            self._report(m.KeyReported(call=name, key=key, transport=transport))

    def _pressed_by_info(self, call: _Call, told: m.InfoKey) -> None:
        if self.path.lines.secure[call.slot]:
            self._pressed(
                call.slot, told.key, m.Transport.SIP_INFO, self.path.now - told.duration_ms / 1000
            )

    def _recorder_changed(self, slot: int, state: m.RecorderState, reason: str) -> None:
        self._report(m.RecorderChanged(call=self._ids[slot], state=state, reason=reason))

    def _close(self, name: m.CallId, call: _Call) -> None:
        self._recordings.finish(call.slot, self.path.now)
        self._gates.end(call.slot)
        caller, agent = (self._close_rtcp(2 * call.slot + side) for side in (0, 1))
        self._report(m.CallMeasured(call=name, quality=CallQuality(caller=caller, agent=agent)))
        for side, pair in enumerate(call.pairs):
            self.path.fillers.pauses.end(2 * call.slot + side)
            self._prompts.close(2 * call.slot + side)
            self.intake.remove(2 * call.slot + side)
            self._legs.close(2 * call.slot + side)
            self._ports.give_back(pair, self.path.now)
        if call.was_secure:  # after the totals: it is the last that is told of a call
            self._report(m.LineReported(call=name, line=self.path.lines.quality(call.slot)))
        del self._calls[name], self._ids[call.slot]
        self._free.append(call.slot)

    def _prompt_ended(self, leg: int, prompt: int, why: m.PromptEnd, reason: str = "") -> None:
        side = m.Leg.AGENT if leg & 1 else m.Leg.CALLER
        self._report(
            m.PromptEnded(call=self._ids[leg >> 1], leg=side, prompt=prompt, why=why, reason=reason)
        )

    def _close_rtcp(self, leg: int) -> LegQuality:
        quality = self.rtcp.quality(leg, self.path.now)
        self.rtcp.close(leg, self.path.now)
        return quality
