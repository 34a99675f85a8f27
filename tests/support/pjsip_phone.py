"""PJSIP as a phone in a process of its own, steered by JSON lines on stdin, reporting JSON lines on stdout.

Licence: PJSIP is GPLv2 or later. This is a program of the tests alone, started by :mod:`tests.support.pjsip`; no
package of this project imports it or `pjsua2`, and it talks to the gateway in SIP and RTP only.

A command is `{"do": verb, "id": number, …}`, answered by `{"event": "answer", "id": number, "error": text}`: `press`
when the last key has been let go, all others when the far end is being told. `error` is empty where it went well.
The other events are `ready`, `{"event": "registration", "status": …}`, `{"event": "call", "state": …, "status": …}`,
`{"event": "media", "state": "active"}` (or `"held"`) and `{"event": "key", "key": …}` for one that was received.

Rules of this file: one thread treats commands, SIP and callbacks; PJSIP's own threads carry sound only. The program
ends when stdin does.
"""

import argparse
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TextIO

import pjsua2 as pj

_POLL_MS: Final = 10

_RATE_HZ: Final = 8000

_METHODS: Final = {
    "rfc4733": pj.PJSUA_DTMF_METHOD_RFC2833,
    "info": pj.PJSUA_DTMF_METHOD_SIP_INFO,
}

_CODECS: Final = {"PCMU": 255, "PCMA": 128}
"Priorities; whatever is not named is not offered."

_STATES: Final = {
    pj.PJSIP_INV_STATE_CALLING: "calling",
    pj.PJSIP_INV_STATE_EARLY: "ringing",
    pj.PJSIP_INV_STATE_CONFIRMED: "established",
    pj.PJSIP_INV_STATE_DISCONNECTED: "closed",
}

_MEDIA_STATES: Final = {
    pj.PJSUA_CALL_MEDIA_ACTIVE: "active",
    pj.PJSUA_CALL_MEDIA_LOCAL_HOLD: "held",
    pj.PJSUA_CALL_MEDIA_REMOTE_HOLD: "held",
}


class _Call(pj.Call):  # type: ignore[misc]  # pjsua2 ships no types
    """One call."""

    def __init__(self, phone: "Phone", call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone.account, call_id)
        self._phone = phone

    def onCallState(self, _: Any) -> None:  # noqa: N802  # PJSIP calls it by this name
        """Report the state; a call that is over lets its recording go, which completes the file."""
        info = self.getInfo()
        if (state := _STATES.get(info.state)) is None:
            return
        if state == "closed":
            self._phone.call_closed()
        self._phone.report("call", state=state, status=int(info.lastStatusCode))

    def onCallMediaState(self, _: Any) -> None:  # noqa: N802  # PJSIP calls it by this name
        """Connect microphone and recording, again after each hold."""
        info = self.getInfo()  # kept: what it lists goes with it
        for index, media in enumerate(info.media):
            state = _MEDIA_STATES.get(media.status)
            if media.type != pj.PJMEDIA_TYPE_AUDIO or state is None:
                continue
            if state == "active":
                self._phone.connect(self.getAudioMedia(index))
            self._phone.report("media", state=state)

    def onDtmfDigit(self, told: Any) -> None:  # noqa: N802  # PJSIP calls it by this name
        """Report a key that came as an event or as SIP INFO."""
        self._phone.report("key", key=str(told.digit))


class _Account(pj.Account):  # type: ignore[misc]  # pjsua2 ships no types
    """The phone's account."""

    def __init__(self, phone: "Phone") -> None:
        super().__init__()
        self._phone = phone

    def onRegState(self, told: Any) -> None:  # noqa: N802  # PJSIP calls it by this name
        """Report what the registrar said."""
        self._phone.report("registration", status=int(told.code))

    def onIncomingCall(self, told: Any) -> None:  # noqa: N802  # PJSIP calls it by this name
        """Pick up at once."""
        self._phone.answer(told.callId)


class Phone:
    """One phone, one call at a time."""

    def __init__(self, options: argparse.Namespace, out: TextIO) -> None:
        self._options, self._out = options, out
        self._endpoint = _start_library(options.sip_port)
        self.account = _Account(self)
        self.account.create(_account(options))
        self._call: _Call | None = None
        self._players: list[pj.AudioMediaPlayer] = []
        self._recorder: pj.AudioMediaRecorder | None = None
        self._media: pj.AudioMedia | None = None
        self._presses: list[tuple[float, Callable[[], None]]] = []
        "What is due and when (monotonic seconds), earliest first."
        self._verbs: dict[str, Callable[..., None]] = {
            "dial": self._dial,
            "play": self._play,
            "press": self._press,
            "hold": self._hold,
            "resume": self._resume,
            "hang_up": self._hang_up,
        }

    def report(self, event: str, **fields: object) -> None:
        """Write one event line."""
        self._out.write(json.dumps({"event": event, **fields}) + "\n")
        self._out.flush()

    def run(self, lines: "queue.Queue[str | None]") -> None:
        """Treat commands and SIP until the commands end."""
        self.report("ready")
        while True:
            self._endpoint.libHandleEvents(_POLL_MS)
            while self._presses and self._presses[0][0] <= time.monotonic():
                self._presses.pop(0)[1]()
            try:
                line = lines.get_nowait()
            except queue.Empty:
                continue
            if line is None:
                return
            self._obey(json.loads(line))

    def close(self) -> None:
        """End the call and the library."""
        self.call_closed()
        self._endpoint.hangupAllCalls()
        self._call = None
        self._endpoint.libDestroy(pj.PJSUA_DESTROY_NO_RX_MSG)

    def answer(self, call_id: int) -> None:
        """Pick up a call that rings."""
        self._call = _Call(self, call_id)
        parameters = pj.CallOpParam()
        parameters.statusCode = pj.PJSIP_SC_OK
        self._call.answer(parameters)

    def connect(self, media: pj.AudioMedia) -> None:
        """Send what is played, record what is heard; both begin with the first time."""
        self._media = media
        if self._recorder is None:
            self._recorder = pj.AudioMediaRecorder()
            self._recorder.createRecorder(str(self._options.heard))
            self._add_player(str(self._options.microphone))
        media.startTransmit(self._recorder)
        for player in self._players:
            player.startTransmit(media)

    def call_closed(self) -> None:
        """Let players and recording go."""
        self._players.clear()
        self._recorder = self._media = None

    def _obey(self, command: dict[str, Any]) -> None:
        verb, number = command.pop("do"), command.pop("id")
        try:
            self._verbs[verb](lambda: self.report("answer", id=number, error=""), **command)
        except pj.Error as error:
            self.report("answer", id=number, error=error.info())

    def _dial(self, done: Callable[[], None], uri: str) -> None:
        self._call = _Call(self)
        self._call.makeCall(uri, pj.CallOpParam(True))
        done()

    def _play(self, done: Callable[[], None], path: str) -> None:
        if self._media is not None:
            self._add_player(path).startTransmit(self._media)
        done()

    def _press(
        self, done: Callable[[], None], keys: str, method: str, on_ms: int, off_ms: int
    ) -> None:
        at = time.monotonic()
        for key in keys:
            self._presses.append((at, lambda key=key: self._send_key(key, method, on_ms)))  # type: ignore[misc]
            at += (on_ms + off_ms) / 1000
        self._presses.append((at, done))

    def _send_key(self, key: str, method: str, on_ms: int) -> None:
        if self._media is None:  # the call has ended under the finger
            return
        parameters = pj.CallSendDtmfParam()
        parameters.digits, parameters.duration = key, on_ms
        parameters.method = _METHODS[method]
        self._ongoing().sendDtmf(parameters)

    def _hold(self, done: Callable[[], None]) -> None:
        self._ongoing().setHold(pj.CallOpParam())
        done()

    def _resume(self, done: Callable[[], None]) -> None:
        parameters = pj.CallOpParam(True)
        parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
        self._ongoing().reinvite(parameters)
        done()

    def _hang_up(self, done: Callable[[], None]) -> None:
        self._ongoing().hangup(pj.CallOpParam())
        done()

    def _ongoing(self) -> _Call:
        assert self._call is not None, "there is no call"
        return self._call

    def _add_player(self, path: str) -> pj.AudioMediaPlayer:
        player = pj.AudioMediaPlayer()
        player.createPlayer(path, pj.PJMEDIA_FILE_NO_LOOP)
        self._players.append(player)
        return player


def _start_library(sip_port: int) -> pj.Endpoint:
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = 1
    config.logConfig.msgLogging = 0
    config.uaConfig.threadCnt, config.uaConfig.mainThreadOnly = 0, True
    config.medConfig.clockRate = config.medConfig.sndClockRate = _RATE_HZ
    config.medConfig.ecTailLen, config.medConfig.noVad = 0, True
    endpoint.libInit(config)
    transport = pj.TransportConfig()
    transport.port = sip_port
    transport.boundAddress = transport.publicAddress = "127.0.0.1"
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    endpoint.libStart()
    endpoint.audDevManager().setNullDev()
    for codec in endpoint.codecEnum2():
        endpoint.codecSetPriority(codec.codecId, _CODECS.get(codec.codecId.partition("/")[0], 0))
    return endpoint


def _account(options: argparse.Namespace) -> pj.AccountConfig:
    config = pj.AccountConfig()
    config.idUri = f"sip:{options.username}@{options.registrar or f'127.0.0.1:{options.sip_port}'}"
    if options.registrar:
        config.regConfig.registrarUri = f"sip:{options.registrar}"
        login = pj.AuthCredInfo("digest", "*", options.username, 0, options.password)
        config.sipConfig.authCreds.append(login)
    media = config.mediaConfig.transportConfig
    media.boundAddress = media.publicAddress = "127.0.0.1"
    media.port, media.portRange = options.rtp_low, options.rtp_high - options.rtp_low
    return config


def _read_stdin(lines: "queue.Queue[str | None]") -> None:
    for line in sys.stdin:
        lines.put(line)
    lines.put(None)


def _claim_stdout() -> TextIO:
    """Return stdout for events alone; PJSIP prints its log there, which goes to stderr from now on."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def main() -> None:
    """Run until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--username", required=True)
    for name in ("--registrar", "--password"):
        parser.add_argument(name, default="")
    for name in ("--sip-port", "--rtp-low", "--rtp-high"):
        parser.add_argument(name, type=int, required=True)
    for name in ("--microphone", "--heard"):
        parser.add_argument(name, type=Path, required=True)
    out = _claim_stdout()
    phone = Phone(parser.parse_args(), out)
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read_stdin, args=(lines,), daemon=True).start()
    phone.run(lines)
    phone.close()


if __name__ == "__main__":
    main()
