"""A worker has all machine code before its first call: nothing is compiled while callers wait."""

import subprocess
import sys

_PROGRAM = """
import sys
import numpy as np
from dtmf.warm_up import warm_up

warm_up()

def compiled():
    modules = [module for name, module in sys.modules.items() if name.startswith("dtmf.")]
    functions = [f for module in modules for f in vars(module).values() if hasattr(f, "signatures")]
    return sum(len(function.signatures) for function in functions)

before = compiled()
from tests.dtmf.drive import listen
from tests.dtmf.signals import keyed, silence, ulaw, voice, white_noise, ms

rng = np.random.default_rng(1)
calls = []
for noise_dbm0 in (-60, -20, -10):
    keys = keyed("159#0*A8" * 2, rng, on_ms=60, off_ms=60)
    calls.append(ulaw(keys + white_noise(len(keys), noise_dbm0, rng)))
    calls.append(ulaw(keys + voice(len(keys), noise_dbm0 + 5, rng)))
calls.append(ulaw(silence(2000)))
lost = rng.random((len(calls), 200)) < 0.05
listen(calls)
listen(calls, lost)
listen(calls[:1])
assert before > 10
assert compiled() == before, "something was compiled after the warm-up"
"""


def test_nothing_is_compiled_after_the_warm_up() -> None:
    subprocess.run([sys.executable, "-c", _PROGRAM], check=True, timeout=300)


def test_who_reads_no_sound_does_not_load_the_compiler() -> None:
    program = "import sys, ivr.cli, ivr.app.gateway; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
