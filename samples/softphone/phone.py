"""A softphone in a process of its own, steered by JSON lines on stdin, reporting JSON lines on stdout.

Licence: it runs pyVoIP, which is GPLv3. It is a separate program: no package of this project imports it, and it
talks to the gateway in SIP and RTP only. Verbs and events are in README.md beside this file.
"""

import argparse
import inspect
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TextIO

from ivr.demo.microphone import AGENT_VOICE, CALLER_VOICE, Microphone
from samples.softphone.client import CallState, Client, InvalidStateError, VoIPCall
from samples.softphone.mouthpiece import Done, Mouthpiece, MouthpieceError
from samples.softphone.tape import Tape

_POLL_S: Final = 0.05
"pyVoIP has no event for the end of a call: look this often."

_CLOSE_LIMIT_S: Final = 3.0
"Deregistering may wait for a registrar that is gone; leave without it after this."

_EXIT_DEADLINE: Final = 3
"Exit code of a phone that its watchdog ended."

_EXIT_NOT_REGISTERED: Final = 2


class Softphone:
    """One phone, one call at a time; every public method may be called from any thread."""

    def __init__(self, options: argparse.Namespace, out: TextIO) -> None:
        self._options = options
        self._out = out
        self._out_lock = threading.Lock()
        self._end_lock = threading.Lock()
        self._sent, self._heard = Tape(), Tape()
        self._call: VoIPCall | None = None
        self._verbs: dict[str, Callable[..., None]] = {
            "call": self._do_call,
            "speak": self._do_speak,
            "key": self._do_key,
            "hangup": self._do_hangup,
        }
        self._ended = False
        self._hanging_up = False
        voice = AGENT_VOICE if options.role == "agent" else CALLER_VOICE
        self._mouthpiece = Mouthpiece(Microphone(voice), self._played)
        self._client = Client(
            server=(options.server_host, options.server_port),
            local=(options.local_host, options.sip_port),
            rtp_ports=options.rtp_ports,
            username=options.username,
            password=options.password,
            sent=self._sent,
            heard=self._heard,
            payload=self._mouthpiece.payload,
            on_incoming=self._answer,
            on_refused=self._refused,
        )

    def report(self, event: str, **fields: Any) -> None:
        """Write one event line."""
        line = json.dumps({"event": event, "at_ns": time.monotonic_ns(), **fields})
        with self._out_lock:
            self._out.write(line + "\n")
            self._out.flush()

    def start(self) -> bool:
        """Open the phone; register it if it is an agent's. Return whether it is ready."""
        try:
            if self._options.role == "agent":
                if not self._client.register():
                    self.report("error", message="the registrar refused or did not answer")
                    return False
                self.report("registered")
            else:
                self._client.open()
        except OSError as error:
            self.report("error", message=f"cannot open the SIP port: {error.strerror}")
            return False
        self.report("ready")
        return True

    def obey(self, line: str) -> bool:
        """Carry out one command line; return False when it was `exit`."""
        try:
            command = json.loads(line)
            verb = command.pop("do")
            if verb == "exit":
                return False
            action = inspect.signature(self._verbs[verb]).bind(**command)
        except (ValueError, KeyError, TypeError, AttributeError):
            # Not the line itself: it may carry a card number.
            self.report("error", message="not a command; see README.md for the verbs")
            return True
        try:
            self._verbs[verb](**action.kwargs)
        except (MouthpieceError, TypeError) as error:
            reason = str(error) if isinstance(error, MouthpieceError) else "a value of a wrong type"
            self.report("error", message=reason)
        return True

    def close(self) -> None:
        """Hang up, write what is still to be written, sign off; takes no longer than three seconds."""
        self._do_hangup()
        closing = threading.Thread(target=self._client.close, daemon=True)
        closing.start()
        closing.join(_CLOSE_LIMIT_S)
        if self._call is not None:
            self.finish("this phone")

    def finish(self, by: str, **fields: Any) -> None:
        """Write the tapes and report the end of the call, once."""
        with self._end_lock:
            if self._ended:
                return
            self._ended = True
            for tape, path in (
                (self._sent, self._options.sent_wav),
                (self._heard, self._options.heard_wav),
            ):
                if path is not None:
                    tape.write(path)
        self.report(
            "ended",
            by=by,
            packets_sent=len(self._sent),
            packets_heard=len(self._heard),
            payload_types_heard=dict(self._heard.payload_types),
            **fields,
        )

    def _do_call(self, *, number: str) -> None:
        threading.Thread(target=self._place, args=(number,), daemon=True).start()

    def _do_speak(self, *, seconds: float) -> None:
        self._mouthpiece.speak(seconds)

    def _do_key(
        self, *, digits: str, on_ms: float = 80, off_ms: float = 80, level_dbm0: float = -10
    ) -> None:
        self._mouthpiece.key(digits, on_ms=on_ms, off_ms=off_ms, level_dbm0=level_dbm0)

    def _do_hangup(self) -> None:
        call = self._call
        if call is not None and call.state is CallState.ANSWERED:
            self._hanging_up = True
            with suppress(InvalidStateError):  # the far end was quicker
                call.hangup()

    def _place(self, number: str) -> None:
        self.report("calling", number=number)
        call = self._client.call(number)
        self.report("ringing", number=number)
        self._follow(call)

    def _answer(self, call: VoIPCall) -> None:
        if self._call is not None:
            call.deny()
            return
        self.report("ringing", number=call.request.headers["From"]["number"])
        call.answer()
        self._follow(call)

    def _follow(self, call: VoIPCall) -> None:
        """Stay with the call to its end; pyVoIP forgets a call whose thread has returned."""
        self._call = call
        while call.state in (CallState.DIALING, CallState.RINGING):
            time.sleep(_POLL_S)
        if call.state is CallState.ANSWERED:
            self.report("answered")
        while call.state is CallState.ANSWERED:
            time.sleep(_POLL_S)
        self.finish("this phone" if self._hanging_up else "far end")

    def _refused(self, status: int, phrase: str) -> None:
        self.finish("far end", reason=f"{status} {phrase}")

    def _played(self, done: Done) -> None:
        presses = [[span.start, span.end] for span in done.presses]
        self.report(done.name, **({"presses": presses} if presses else {}))


def _range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    return int(low), int(high or low)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="phone", description=__doc__)
    parser.add_argument("--role", choices=("agent", "caller"), required=True)
    parser.add_argument("--server-host", default="127.0.0.1")
    parser.add_argument("--server-port", type=int, required=True)
    parser.add_argument("--local-host", default="127.0.0.1")
    parser.add_argument("--sip-port", type=int, required=True)
    parser.add_argument("--rtp-ports", type=_range, required=True, metavar="LOW-HIGH")
    parser.add_argument("--username", required=True)
    parser.add_argument("--password", default="")
    parser.add_argument("--sent-wav", type=Path, help="what this phone sent; sidecar beside it")
    parser.add_argument("--heard-wav", type=Path, help="what this phone heard; sidecar beside it")
    parser.add_argument("--deadline-s", type=float, default=120.0, help="exit by then, whatever")
    return parser.parse_args()


def _watch(phone: Softphone, deadline_s: float, parent: int) -> None:
    """End the process at the deadline, or when the parent is gone without having closed our stdin."""
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline and os.getppid() == parent:
        time.sleep(0.25)
    if os.getppid() == parent:
        phone.finish("deadline")
        phone.report("error", message=f"deadline of {deadline_s:g} s reached")
    os._exit(_EXIT_DEADLINE)


def main() -> int:
    """Run until `exit`, the end of stdin, the parent's end or the deadline."""
    parent = os.getppid()
    options = _options()
    out = sys.stdout
    sys.stdout = sys.stderr  # pyVoIP prints; stdout carries events only
    phone = Softphone(options, out)
    watch = (phone, options.deadline_s, parent)
    threading.Thread(target=_watch, args=watch, daemon=True).start()
    if not phone.start():
        return _EXIT_NOT_REGISTERED
    for line in sys.stdin:
        if not phone.obey(line):
            break
    phone.close()
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # pyVoIP's timers are no daemons and would keep the process
