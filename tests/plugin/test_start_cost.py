"""What the plugin costs those who have it installed and don't ask for it."""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

#: Starts of each kind, by turns, so that a busy moment of the machine meets both.
ROUNDS = 8
#: The share of pytest's own start that the plugin may add. Alone, pytest starts in 0.2 s, so this is 20 ms.
MOST = 0.1
#: Of what is installed here, only our plugin is loaded, in the way in which pytest finds it anywhere.
OTHERS = [f"-pno:{name}" for name in ("xdist", "xdist.looponfail", "randomly", "testinfra", "hypothesispytest")]


def cost(folder: Path, *more: str) -> float:
    """Seconds of CPU time that a start of pytest takes; the clock's would count what others do meanwhile."""
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-pno:cacheprovider", *OTHERS, *more]
    started = subprocess.Popen([*command, str(folder)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    assert started.returncode == 5, "an empty folder has no tests"
    return used.ru_utime + used.ru_stime


def test_without_havip_the_plugin_adds_little_to_a_start(tmp_path: Path) -> None:
    pairs = [(cost(tmp_path, "-pno:havip"), cost(tmp_path)) for _ in range(ROUNDS)]
    least = min(with_it for _, with_it in pairs) / min(without for without, _ in pairs)
    usual = median(with_it / without for without, with_it in pairs)
    # Two views of the same ratio; a noisy machine spoils one of them, a heavy import both.
    assert min(least, usual) < 1 + MOST, f"CPU seconds without and with the plugin: {pairs}"
