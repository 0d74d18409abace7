"""The UKSSDC product service, served from this machine: for tests, demonstrations and rehearsals.

>>> with Emulator(speed=60) as emulator:
...     print(emulator.url)
"""

from ukssdc.emulator.faults import Fault, Faults
from ukssdc.emulator.ledger import Call, Ledger
from ukssdc.emulator.scenario import ABSENT, Build, Scenario, ScenarioError, Stage
from ukssdc.emulator.server import Emulator

__all__ = ["ABSENT", "Build", "Call", "Emulator", "Fault", "Faults", "Ledger", "Scenario", "ScenarioError", "Stage"]
