"""The detector of all calls: frames in, tone evidence and key presses out."""

from dtmf.batch import check_batch
from dtmf.candidates import Candidates
from dtmf.events import Detection, Suspicion
from dtmf.frames import Bools, Indices, Pcm
from dtmf.held import HeldKeys
from dtmf.history import History
from dtmf.keys import NO_KEY
from dtmf.limit_table import LimitTable
from dtmf.limits import DetectorLimits
from dtmf.listening import Listener
from dtmf.presses import Presses


class DetectorBank:
    """Detectors of up to `capacity` calls, a slot each; every slot is on its own, whatever shares a batch with it.

    State is bounded by the capacity. Nothing that the audio holds raises.
    """

    def __init__(self, capacity: int, limits: DetectorLimits | None = None) -> None:
        self._capacity = capacity
        self._limits = LimitTable(capacity, limits or DetectorLimits())
        self._history = History(capacity)
        self._candidates = Candidates(capacity)
        self._listener = Listener(capacity, self._history, self._candidates)
        self._held = HeldKeys(capacity)
        self._presses = Presses(self._history, self._candidates, self._held, self._limits)

    def reset(self, slots: Indices, limits: DetectorLimits | None = None) -> None:
        """Start `slots` anew: time 0, nothing heard, no key down and no event about one that was.

        `limits` hold for these slots from now on; None: those of the bank.
        """
        self._limits.set(slots, limits)
        self._history.reset(slots)
        self._listener.reset(slots)
        self._candidates.reset(slots)
        self._held.reset(slots)

    def process(self, frames: Pcm, slots: Indices, lost: Bools) -> Detection:
        """Take one frame each of n slots, int16 (n, 160), and return what they hold.

        `slots` (n,) names each row's slot, each at most once; rows of `lost` (n,) were not received: their
        samples are ignored and count as unknown, not as silence. Raises ValueError where shapes do not fit.
        """
        check_batch(frames, slots, lost, self._capacity)
        score, hinted = self._listener.listen(frames, slots, lost, self._held.key)
        ended = self._presses.follow(slots, hinted)
        started = self._presses.decide(slots, ended)
        suspicion = Suspicion(score=score, key_down=self._held.key[slots] != NO_KEY)
        return Detection(suspicion=suspicion, started=started, ended=ended)
