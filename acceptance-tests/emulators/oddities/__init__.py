"""Everything odd that an API may send, put into right answers; the truth says what a complete read makes of it.

Option `odd` names kinds (see `kinds.KINDS`), or `["everything"]` that a complete read must survive at the same time.
"""

from emulators.oddities.engine import Oddities
from emulators.oddities.form import Form
from emulators.oddities.kinds import EVERYTHING, KINDS

__all__ = ["EVERYTHING", "KINDS", "Form", "Oddities"]
