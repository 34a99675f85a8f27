"""A worker has the machine code of its loops before its first call: nothing is compiled while people talk."""

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import sys
import numpy as np
from bridge.media import messages as m
from bridge.media.warm_up import warm_up

warm_up()

def compiled():
    modules = [module for name, module in sys.modules.items() if name.startswith(("bridge.", "dtmf."))]
    functions = {f for module in modules for f in vars(module).values() if hasattr(f, "signatures")}
    return {(f.__qualname__, signature) for f in functions for signature in f.signatures}

from tests.bridge.media.call_rig import CALL, FRAME, Phone, Rig, murmur, pressed

before = compiled()
rig = Rig(caller=Phone(telephone_event=-1), agent=Phone(codec="PCMA"))
rig.calls.handle(m.StartRecording(call=CALL, path=sys.argv[1]))
for secure in (False, True, False):
    rig.secure(secure=secure)
    rig.play(pressed("159#"))
    rig.caller.skip(2)
    rig.play(murmur(4 * FRAME))
    rig.play(murmur(4 * FRAME), rig.agent)
    rig.caller.send(rig.caller.comfort_noise(60))
    for _ in range(6):
        rig.tick()
assert len(rig.presses()) >= 4
rig.close()
assert len(before) > 20
assert compiled() == before, compiled() - before
"""


def test_nothing_is_compiled_after_the_warm_up(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path / "r.wav")], check=True, timeout=300
    )
