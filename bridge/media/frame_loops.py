"""What the media path does frame by frame, as compiled loops over a batch."""

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import FRAME, Legs
from dtmf.compiled import compiled


@compiled
def divide(
    rows: NDArray[np.void],
    secure: NDArray[np.bool_],
    prompts_play: NDArray[np.bool_],
    legs: Legs,
    coded: NDArray[np.uint8],
    lost: NDArray[np.bool_],
    heard: NDArray[np.bool_],
    decode: NDArray[np.int16],
    passed: NDArray[np.bool_],
    prompted: Legs,
    calls: NDArray[np.intp],
    agents: Legs,
    pcm: NDArray[np.int16],
    calls_lost: NDArray[np.bool_],
    calls_heard: NDArray[np.bool_],
) -> tuple[int, int]:
    """Decode the frames of callers whose line is secure, and mark those that go on as they are.

    `heard` (n,) have a place in the other side's stream; where a prompt plays (by leg), that is the prompt's. Write
    `calls` and the `agents` who listen to them, `prompted` legs, and return how many of both there are.
    """
    gated = places = 0
    for index in range(len(legs)):
        leg, to = legs[index], legs[index] ^ 1
        is_gated, is_heard = secure[leg >> 1] and leg & 1 == 0, heard[index]
        if is_heard and prompts_play[to]:
            is_heard = False
            prompted[places] = to
            places += 1
        passed[index] = is_heard and not is_gated and not lost[index]
        if is_gated:
            calls[gated], agents[gated] = leg >> 1, to
            calls_lost[gated], calls_heard[gated] = lost[index], is_heard
            law = rows[leg]["law"]
            for sample in range(FRAME):
                pcm[gated, sample] = decode[law, coded[index, sample]]
            gated += 1
    return gated, places


@compiled
def follow(
    calls: NDArray[np.intp],
    masked: NDArray[np.bool_],
    lost: NDArray[np.bool_],
    heard: NDArray[np.bool_],
    audio: NDArray[np.int16],
    key_is_down: NDArray[np.bool_],
    now: float,
    withholds: bool,
    silenced: NDArray[np.bool_],
    secured_frames: NDArray[np.int64],
    quiet_frames: NDArray[np.int64],
    key_down: NDArray[np.bool_],
    heard_s: NDArray[np.float64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Note in the columns of all calls what became of a frame each; silence what is not to be heard.

    `masked`, `lost`, `heard`, `audio` and `key_is_down` have a row for each of `calls` (n,); `silenced` are the muted
    callers. Return which are silenced (n,), and which have a packet to send (n,): a lost frame has none.
    """
    unheard, sent = np.empty(len(calls), np.bool_), np.empty(len(calls), np.bool_)
    for row in range(len(calls)):
        call = calls[row]
        secured_frames[call] += 1
        quiet_frames[call] = 0 if masked[row] else quiet_frames[call] + 1
        key_down[call] = key_is_down[row]
        heard_s[call] = now
        unheard[row] = silenced[call] or withholds or not heard[row]
        if unheard[row]:
            audio[row, :] = 0
        sent[row] = heard[row] and not lost[row]
    return unheard, sent


@compiled
def decoded(
    rows: NDArray[np.void], legs: Legs, coded: NDArray[np.uint8], decode: NDArray[np.int16]
) -> NDArray[np.int16]:
    """Return the frames of `legs` (n,), coded (n, 160), as linear samples (n, 160); `decode` is `g711.DECODE`."""
    pcm = np.empty(coded.shape, np.int16)
    for index in range(len(legs)):
        law = rows[legs[index]]["law"]
        for sample in range(FRAME):
            pcm[index, sample] = decode[law, coded[index, sample]]
    return pcm
