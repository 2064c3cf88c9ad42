"""The processor time that Lambda gives a function of 128 MB: 1.44 ms in every 20 ms.

Lambda's documentation says that 1,769 MB are worth one processor; 128 MB are 7.2 % of it.
"""

import itertools
import os

PERIOD, QUOTA = 20_000, 1_440  # microseconds
ROOT = "/sys/fs/cgroup"
NUMBERS = itertools.count()


class Share:
    """A control group with that quota, of either version of the kernel's interface."""

    def __init__(self):
        name = f"driftlab-bench-{os.getpid()}-{next(NUMBERS)}"
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


class Shares:
    """One share for each process. In a common one, a process would wait for what the one before it has overdrawn."""

    def __init__(self):
        self.made = []

    def hold(self, pid):
        self.made.append(Share())
        self.made[-1].hold(pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for share in self.made:
            share.remove()


def refused():
    """Why this machine has no shares to give; `None` when it has."""
    try:
        Share().remove()
        return None
    except OSError as error:
        return error.strerror
