"""What is to be done for one category now: a pure function of what is seen, and of the time.

Level-triggered: it looks at what is, never at what happened, so that it may be asked again at any
moment, and asks for nothing where all is as it should be.
"""

from datetime import datetime

from artgrab.operator.endings import plan_end
from artgrab.operator.observed import Category, Observed
from artgrab.operator.outcomes import plan_invalid
from artgrab.operator.plans import Plan
from artgrab.operator.scrapes import plan_scrape
from artgrab.operator.settings import OperatorSettings


def plan(category: Category, observed: Observed, now: datetime, settings: OperatorSettings) -> Plan:
    """Return what is to be written, in the order of the fields, and when to ask again."""
    if category.deleting:
        return plan_end(category, observed, now, settings)
    if category.resource is None:
        return plan_invalid(category, observed, now, settings)
    return plan_scrape(category, category.resource, observed, now, settings)
