"""RTCP of one leg (RFC 3550 section 6): what we tell its far end, and what that tells us.

Rules of this file: sans-IO; `now` is in monotonic seconds. A report holds counts of packets and nothing else of a
call. What the far end says is believed only where it is about streams of this leg.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from bridge.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    middle,
    ntp_timestamp,
    parse_compound,
)
from bridge.rtp.rtcp_timing import ReportTimer

KEPT_REPORTS: Final = 4
"Sender reports of ours that the far end may refer to: one a report is usual, the rest is delay."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What we have sent on a leg, now."""

    packets: int
    octets: int
    "Of payload."

    rtp_timestamp: int
    "That a sample produced at this instant would have."


class RtcpSession:
    """`chance` draws from 0 to 1; `epoch_s` is what the wall clock (Unix time) read when `now` was 0."""

    def __init__(
        self, *, ssrc: int, cname: str, chance: Callable[[], float], now: float, epoch_s: float
    ) -> None:
        self._ssrc, self._epoch_s = ssrc, epoch_s
        self._description = bytes(SourceDescription(ssrc=ssrc, cname=cname))
        "Part of every datagram."
        self._timer = ReportTimer(chance, now)
        self._sent_before: deque[int] = deque([0, 0], maxlen=2)
        "Packets sent at the last two reports: who has sent since then is a sender (section 6.4)."
        self._our_reports: deque[int] = deque(maxlen=KEPT_REPORTS)
        "Middle NTP timestamps of our sender reports."
        self._far_report: tuple[int, int, float] | None = None
        "Source, middle NTP timestamp and arrival of the far end's last sender report."
        self.far_block: ReportBlock | None = None
        "What the far end last said that it received of us; None where it has said nothing yet."
        self.round_trip_s: float | None = None
        "Measured by the far end's last report; None where there was none that allows it (section 6.4.1)."

    def next_timer(self) -> float:
        """Return when :meth:`handle_timer` wants to be called."""
        return self._timer.next_timer()

    def handle_timer(self, now: float, sent: Sent) -> bool:
        """Return whether a report is due now: then :meth:`compose` it."""
        return self._timer.handle_timer(
            now, we_sent=self._we_sent(sent), far_sends=self._far_report is not None
        )

    def compose(self, now: float, sent: Sent, received: ReportBlock | None) -> bytes:
        """Return the datagram of a report. `received` has no times yet; None: nothing came since the last."""
        data = self._report(now, sent, received) + self._description
        self._sent_before.append(sent.packets)
        self._timer.sent(len(data))
        return data

    def goodbye(self, now: float, sent: Sent, received: ReportBlock | None) -> bytes:
        """Return the last datagram (section 6.6)."""
        report = self._report(now, sent, received)
        return report + self._description + bytes(Goodbye(sources=(self._ssrc,)))

    def receive_datagram(self, data: bytes, far_ssrc: int, now: float) -> None:
        """Take what the far end sent; raise RtcpError. `far_ssrc`: the source of its RTP."""
        packets = parse_compound(data)
        self._timer.receive(len(data), now)
        for packet in packets:
            match packet:
                case SenderReport():
                    if packet.ssrc == far_ssrc:
                        self._far_report = (packet.ssrc, middle(packet.ntp), now)
                    self._read_blocks(packet.reports, now)
                case ReceiverReport():
                    self._read_blocks(packet.reports, now)
                case Goodbye():
                    self._timer.leave()
                case SourceDescription():
                    pass  # a name nobody asks for

    def _report(self, now: float, sent: Sent, received: ReportBlock | None) -> bytes:
        blocks = () if received is None else (self._with_times(received, now),)
        if not self._we_sent(sent):
            return bytes(ReceiverReport(ssrc=self._ssrc, reports=blocks))
        ntp = ntp_timestamp(self._epoch_s + now)
        self._our_reports.append(middle(ntp))
        return bytes(
            SenderReport(
                ssrc=self._ssrc,
                ntp=ntp,
                rtp_timestamp=sent.rtp_timestamp & 0xFFFFFFFF,
                packet_count=sent.packets & 0xFFFFFFFF,
                octet_count=sent.octets & 0xFFFFFFFF,
                reports=blocks,
            )
        )

    def _we_sent(self, sent: Sent) -> bool:
        return sent.packets > self._sent_before[0]

    def _with_times(self, block: ReportBlock, now: float) -> ReportBlock:
        if self._far_report is None or self._far_report[0] != block.ssrc:
            return block
        _, stamp, arrived_s = self._far_report
        delay = min(round((now - arrived_s) * 65536), 0xFFFFFFFF)
        return replace(block, last_sr=stamp, delay_since_last_sr=delay)

    def _read_blocks(self, blocks: tuple[ReportBlock, ...], now: float) -> None:
        for block in blocks:
            if block.ssrc != self._ssrc:
                continue
            self.far_block = block
            if block.last_sr in self._our_reports:
                here = middle(ntp_timestamp(self._epoch_s + now))
                trip = (here - block.last_sr - block.delay_since_last_sr) & 0xFFFFFFFF
                # Negative where the far end's clock runs quicker: it answered at once.
                self.round_trip_s = 0.0 if trip >= 1 << 31 else trip / 65536
