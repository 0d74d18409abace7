"""The UKSSDC product service emulated on this machine, for tests and demonstrations.

Imports point one way: `server -> faults -> core -> data`.

>>> with Emulator(speed=60) as emulator:
...     print(emulator.url)
"""

from ukssdc.emulator.core.build import ABSENT, Build, ScenarioError, Stage
from ukssdc.emulator.core.ledger import Call, Ledger
from ukssdc.emulator.core.scenario import Scenario
from ukssdc.emulator.faults.fault import Fault, Faults
from ukssdc.emulator.server import Emulator

__all__ = ["ABSENT", "Build", "Call", "Emulator", "Fault", "Faults", "Ledger", "Scenario", "ScenarioError", "Stage"]
