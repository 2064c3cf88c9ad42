"""The processor time that Lambda gives a function of 128 MB: 1.44 ms in every 20 ms.

Lambda's documentation says that 1,769 MB are worth one processor; 128 MB are 7.2 % of it.
"""

import os

PERIOD, QUOTA = 20_000, 1_440  # microseconds
ROOT = "/sys/fs/cgroup"


class Share:
    """A control group with that quota, of either version of the kernel's interface."""

    def __init__(self):
        name = f"driftlab-bench-{os.getpid()}"
        v2 = os.path.exists(f"{ROOT}/cgroup.controllers")
        self.path = f"{ROOT}/{name}" if v2 else f"{ROOT}/cpu/{name}"
        os.mkdir(self.path)
        try:
            if v2:
                self.write("cpu.max", f"{QUOTA} {PERIOD}")
            else:
                self.write("cpu.cfs_period_us", PERIOD)
                self.write("cpu.cfs_quota_us", QUOTA)
        except OSError:
            self.remove()
            raise

    def write(self, name, value):
        with open(f"{self.path}/{name}", "w") as file:
            file.write(str(value))

    def hold(self, pid):
        self.write("cgroup.procs", pid)

    def remove(self):
        os.rmdir(self.path)


def share():
    """The share, or the reason why this machine has none to give."""
    try:
        return Share(), None
    except OSError as error:
        return None, error.strerror
