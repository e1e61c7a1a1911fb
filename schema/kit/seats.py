"""Where a subscriber is told what another one was told, without being woken for it."""

from collections.abc import Hashable

from schema.kit.admission import Admitted
from schema.kit.context import Context
from schema.kit.subscriptions import EventResult, Question


class Seat:
    """Where one subscriber can be told an event at once, for as long as nothing speaks against it."""

    def __init__(self, context: Context, question: Question, admitted: Admitted) -> None:
        self._context, self._question, self._outlet = context, question, context.outlet
        self._limits, self._price = admitted.limits, (admitted.payer, admitted.level, admitted.event_cost)
        self._is_open = False

    def open(self) -> None:
        """From here on; before, its first event has to be told and counted like any answer."""
        self._is_open = self._outlet is not None

    def key(self) -> Hashable | None:
        """What it asks, with its rights."""
        return self._question.key(self._context, None) if self._is_open else None

    def take(self, told: EventResult) -> bool:
        """Not where there are errors, which are of one alone, or its rights may have changed, or it cannot pay."""
        outlet = self._outlet
        if outlet is None or not self._is_open or told.errors or not outlet.is_free():
            return False
        viewer, asking = outlet.viewer(), self._context.asking
        if viewer is not asking:
            if viewer is None or viewer != asking:
                return False
            self._context.asking = viewer
        if not self._limits.charge_at_once(*self._price):
            return False
        outlet.send(told.encoded())
        return True
