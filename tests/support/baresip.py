"""baresip, driven: a SIP phone nobody here wrote, with a WAV for a microphone and a WAV of what it hears.

Use it as ``async with Baresip(tmp_path, username="bob") as bob:``; the process ends with the block.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.support.peers import require_program
from tests.support.ports import LOOPBACK, free_rtp_ports, free_sip_port, free_tcp_port
from tests.support.wav import Pcm, pad, read_wav, silence, write_wav

DEFAULT_CODECS: Final = "PCMU/8000/1,PCMA/8000/1"
"Both laws of G.711, the one of North America first."

EVENT_LIMIT_S: Final = 20.0
"Longest wait for something that a healthy machine does within a second."

_STOP_LIMIT_S: Final = 5.0

_WAV_HEADER_BYTES: Final = 44

_STARTS: Final = 3
"Times a phone is started, each with ports of its own."

PRESS_PERIOD_S: Final = 0.3
"baresip sends an event of 180 ms at least; presses closer than this run into each other."

_MICROPHONE_S: Final = 90.0
"The microphone is padded with silence to this length: baresip hangs up when its WAV ends."

_MODULES: Final = Path("/usr/lib/baresip/modules")

_CONFIG: Final = """\
poll_method epoll
sip_listen {host}:{sip_port}
sip_trans_def udp
call_local_timeout 120
call_max_calls 4
audio_player aubridge,nil
audio_source aufile,{microphone}
audio_alert aubridge,nil
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_level no
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
rtp_ports {rtp_low}-{rtp_high}
rtcp_mux {rtcp_mux}
jitter_buffer_delay 5-10
rtp_stats yes
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module ctrl_tcp.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
snd_path {heard}
ctrl_tcp_listen {host}:{control_port}
net_interface {host}
"""


class BaresipError(Exception):
    """baresip refused a command, or what was waited for did not happen in time."""


class _EndedAtOnceError(BaresipError):
    """The process ended before it took a command."""


Event = dict[str, Any]


class Baresip:
    """One phone with one account."""

    def __init__(
        self,
        folder: Path,
        *,
        username: str,
        microphone: Pcm | None = None,
        answers: bool = False,
        codecs: str = DEFAULT_CODECS,
        registrar: tuple[str, int] | None = None,
        password: str = "",
        rtcp_mux: bool = False,
    ) -> None:
        """Prepare a phone; nothing is started before ``async with``.

        `microphone` is what it says from the moment a call is answered. `answers` picks up at once.
        With `registrar` it registers there and numbers are dialled there; without, it calls and is called by URI.
        `rtcp_mux` lets it take RTCP on the port of RTP.
        """
        self._program = require_program("baresip")
        self.username = username
        self.sip_port = 0
        "Known once the phone runs."
        self.events: list[Event] = []
        "Every event so far, oldest first, as ctrl_tcp reports them."
        self._rtcp_mux = "yes" if rtcp_mux else "no"
        self._folder = folder / f"baresip-{username}"
        self._microphone = microphone if microphone is not None else silence(1.0)
        self._control_port = 0
        self._registrar = registrar
        self._parameters = {
            "regint": "60" if registrar else "0",
            "answermode": "auto" if answers else "manual",
            "audio_codecs": codecs,
            **({"auth_user": username, "auth_pass": password} if password else {}),
        }
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._pump: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._responses: dict[str, Event] = {}
        self._tokens = 0
        self._played = 0

    @property
    def uri(self) -> str:
        """Where this phone is called directly."""
        return f"sip:{self.username}@{LOOPBACK}:{self.sip_port}"

    @property
    def heard_wav(self) -> Path:
        """What the last call sounded like at this phone; complete once the call is over."""
        return self._last_dump("dec")

    @property
    def sent_wav(self) -> Path:
        """What this phone sent in the last call; complete once the call is over."""
        return self._last_dump("enc")

    def heard(self) -> Pcm:
        """Return what this phone heard in the last call, int16 at 8000 Hz; empty if it never heard anything."""
        try:
            return read_wav(self.heard_wav)
        except FileNotFoundError:
            return silence(0)

    @property
    def heard_samples(self) -> int:
        """How much this phone has heard of the call that goes on; its WAV can be read only once the call is over."""
        return max(0, self._recorded_bytes("dec") - _WAV_HEADER_BYTES) // 2

    async def __aenter__(self) -> Self:
        for attempt in range(_STARTS):
            self._write_configuration()
            try:
                await self._start()
            except _EndedAtOnceError:
                # A port that was free a moment ago is somebody else's now: other tests draw ports too.
                await self._stop()
                if attempt == _STARTS - 1:
                    raise
            except BaseException:
                await self._stop()
                raise
            else:
                break
        return self

    async def _start(self) -> None:
        with (self._folder / "output.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(self._program),
                *("-4", "-f", str(self._folder)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        await self._connect()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    async def registered(self) -> None:
        """Return once the registrar has agreed; raise :class:`BaresipError` once it has refused."""
        # Asked for, not waited for: registering may be over before baresip takes commands.
        async with asyncio.timeout(EVENT_LIMIT_S):
            while "OK" not in (told := await self.command("reginfo")):
                if "ERR" in told:
                    raise BaresipError(f"{self.username}: the registrar refused")
                await asyncio.sleep(0.05)

    async def dial(self, uri: str) -> None:
        """Call `uri`, or a number at the registrar; returns when the INVITE is on its way."""
        await self.command("dial", uri)

    async def answer(self) -> None:
        """Pick up a ringing call."""
        await self.command("accept")

    async def hold(self) -> None:
        """Put the call on hold (re-INVITE, `sendonly`)."""
        await self.command("hold")

    async def resume(self) -> None:
        """Take the call off hold."""
        await self.command("resume")

    async def hang_up(self) -> None:
        """End the call."""
        await self.command("hangup")

    async def play(self, pcm: Pcm) -> None:
        """Say `pcm` in place of what the microphone still holds; it is on its way some 20 ms after the return."""
        self._played += 1
        sound = self._write_sound(f"played-{self._played}.wav", pcm)
        await self.command("ausrc", f"aufile,{sound}")

    async def say(self, pcm: Pcm) -> None:
        """As :meth:`play`, and return when all of it is said."""
        before = self._recorded_bytes("enc")
        await self.play(pcm)
        if not await self._grows_to("enc", before + 2 * len(pcm), limit_s=_MICROPHONE_S):
            raise BaresipError(f"{self.username} did not say {len(pcm) / 8000:g} s of audio")

    async def press(self, keys: str) -> None:
        """Send `keys`, one every :data:`PRESS_PERIOD_S`, as RFC 4733 events."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for key in keys:
            await self.command("sndcode", key)
            due += PRESS_PERIOD_S
            # Paces the key presses themselves; nothing is waited for here.
            await asyncio.sleep(due - loop.time())

    async def command(self, command: str, parameters: str = "") -> str:
        """Give one command of baresip's menu; return what it printed."""
        assert self._writer is not None
        self._tokens += 1
        token = str(self._tokens)
        message = {"command": command, "params": parameters, "token": token}
        body = json.dumps(message).encode()
        self._writer.write(b"%d:%b," % (len(body), body))
        await self._writer.drain()
        await self._wait(lambda: token in self._responses, f"an answer to {command}")
        response = self._responses.pop(token)
        if not response.get("ok"):
            raise BaresipError(f"{command} was refused: {response.get('data')}")
        return str(response.get("data", ""))

    async def wait_for(self, kind: str, *, count: int = 1, limit_s: float = EVENT_LIMIT_S) -> Event:
        """Return the `count`-th event of type `kind`, for example `CALL_ESTABLISHED`, once it has come."""

        def seen() -> list[Event]:
            return [event for event in self.events if event.get("type") == kind]

        await self._wait(lambda: len(seen()) >= count, kind, limit_s)
        return seen()[count - 1]

    async def heard_for(self, seconds: float, *, limit_s: float = 60.0) -> None:
        """Return once this phone has heard `seconds` of audio (its recording has grown to that)."""
        if not await self._grows_to("dec", round(seconds * 8000) * 2, limit_s=limit_s):
            raise BaresipError(f"{self.username} did not hear {seconds:g} s of audio")

    async def heard_more(self, seconds: float) -> None:
        """Return once this phone has heard `seconds` of audio from now on."""
        await self.heard_for(self._recorded_bytes("dec") / 2 / 8000 + seconds)

    async def _grows_to(self, direction: str, wanted_bytes: int, *, limit_s: float) -> bool:
        """Return whether this recording is so long within `limit_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self._recorded_bytes(direction) < wanted_bytes:  # noqa: ASYNC110  # a file tells nobody that it grew
                    await asyncio.sleep(0.02)
        return self._recorded_bytes(direction) >= wanted_bytes

    def _recorded_bytes(self, direction: str) -> int:
        try:
            return self._last_dump(direction).stat().st_size
        except FileNotFoundError:
            return 0

    def keys_received(self) -> str:
        """Return the digits that came to this phone as RFC 4733 events or SIP INFO."""
        starts = (event for event in self.events if event.get("type") == "CALL_DTMF_START")
        return "".join(str(event["param"]) for event in starts)

    async def _wait(
        self, condition: Callable[[], bool], what: str, limit_s: float = EVENT_LIMIT_S
    ) -> None:
        try:
            async with asyncio.timeout(limit_s), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            seen = [event.get("type") for event in self.events]
            raise BaresipError(f"{self.username}: no {what} in {limit_s:g} s; saw {seen}") from None

    async def _connect(self) -> None:
        assert self._process is not None
        async with asyncio.timeout(EVENT_LIMIT_S):
            while self._process.returncode is None:
                with suppress(ConnectionRefusedError):
                    reader, self._writer = await asyncio.open_connection(
                        LOOPBACK, self._control_port
                    )
                    self._pump = asyncio.create_task(self._receive(reader))
                    return
                await asyncio.sleep(0.02)  # the only sign that baresip is up is that it listens
        raise _EndedAtOnceError(
            f"{self.username}: baresip ended at once, see {self._folder}/output.log"
        )

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        """Read netstrings of JSON until the connection closes."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                message = json.loads((await reader.readexactly(length + 1))[:-1])
                async with self._changed:
                    if message.get("event"):
                        self.events.append(message)
                    else:
                        self._responses[str(message.get("token"))] = message
                    self._changed.notify_all()

    async def _stop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with suppress(ConnectionError):
                await self._writer.wait_closed()
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _STOP_LIMIT_S)
            except TimeoutError:
                process.kill()
                await process.wait()

    def _write_configuration(self) -> None:
        heard = self._folder / "audio"
        heard.mkdir(parents=True, exist_ok=True)
        self.sip_port, self._control_port = free_sip_port(), free_tcp_port()
        microphone = self._write_sound("microphone.wav", self._microphone)
        rtp_low, rtp_high = free_rtp_ports()
        configuration = _CONFIG.format(
            host=LOOPBACK,
            sip_port=self.sip_port,
            microphone=microphone,
            rtp_low=rtp_low,
            rtp_high=rtp_high,
            modules=_MODULES,
            heard=heard,
            control_port=self._control_port,
            rtcp_mux=self._rtcp_mux,
        )
        (self._folder / "config").write_text(configuration)
        account = _account(
            username=self.username,
            host_port=self._registrar or (LOOPBACK, self.sip_port),
            parameters=self._parameters,
        )
        (self._folder / "accounts").write_text(account + "\n")
        (self._folder / "contacts").write_text("")

    def _write_sound(self, name: str, pcm: Pcm) -> Path:
        missing_s = max(0.0, _MICROPHONE_S - len(pcm) / 8000)
        return write_wav(self._folder / name, pad(pcm, after_s=missing_s))

    def _last_dump(self, direction: str) -> Path:
        dumps = sorted((self._folder / "audio").glob(f"dump-*-{direction}.wav"))
        if not dumps:
            raise FileNotFoundError(f"{self.username} has no {direction} recording")
        return dumps[-1]


def _account(*, username: str, host_port: tuple[str, int], parameters: dict[str, str]) -> str:
    host, port = host_port
    rest = "".join(f";{name}={value}" for name, value in parameters.items())
    return f"<sip:{username}@{host}:{port}>{rest}"
