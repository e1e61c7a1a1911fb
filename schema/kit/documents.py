"""What is known of a query text, whoever sends it: parsed, validated, walked and compiled once."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.execution.values import VariableValues

from db.engine import Dialect
from schema.kit import subscriptions
from schema.kit.attempts import OneAttempt
from schema.kit.execution.compile import Compiler
from schema.kit.execution.plans import Plan, plans
from schema.kit.execution.selected import Operation, Unplanned
from schema.kit.idempotency import KeysOnMutations
from schema.kit.personal import is_personal
from schema.kit.roots import Function, first_fields
from schema.kit.variables import Variables
from schema.kit.walk import Needs, walk

DOCUMENTS_MAX = 1_000
"""How many query texts are kept."""
PLANS_MAX = 32
"""How many plans one operation has at most: one for each choice that its @skip and @include make."""
RULES = [*specified_rules, KeysOnMutations, OneAttempt]
ERRORS_MAX = 10
"""How many errors one answer lists."""
MESSAGE_LENGTH_MAX = 500
CHOOSING = frozenset({"skip", "include"})
NESTED = "The document is nested too deeply."


@dataclass(frozen=True)
class Sharing:
    """What the answers of a subscription depend on."""

    resumed: frozenset[str]
    """The variables that say where to begin, and nothing else."""
    is_personal: bool
    """Whether it asks for the very person."""


@dataclass
class Known:
    """What is known of one operation of a document."""

    node: OperationDefinitionNode
    needs: Needs
    variables: Variables
    asked: tuple[str, ...]
    """The variables that @skip and @include ask."""
    first: list[Function]
    """What is read before the rest of it."""
    sharing: Sharing | None
    """Of a subscription: with whom its answers may be shared."""
    plans: dict[Any, Plan | None] = field(default_factory=dict)
    unplanned: str | None = None
    """Why it has no plan."""


@dataclass
class Document:
    """What is known of a query text; `node` is None where it does not parse."""

    node: DocumentNode | None
    errors: list[GraphQLError]
    operations: dict[str | None, Known | None] = field(default_factory=dict)


class Documents:
    """The query texts seen last."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: OrderedDict[str, Document] = OrderedDict()

    def of(self, text: str) -> Document:
        """What is known of a text; worked out at first sight."""
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known
        known = self._known[text] = self._read(text)
        if len(self._known) > DOCUMENTS_MAX:
            self._known.popitem(last=False)
        return known

    def operation(self, document: Document, name: str | None) -> Known | None:
        """The operation that would run; None where the document does not parse, or does not say which."""
        if name in document.operations:
            return document.operations[name]
        node = get_operation_ast(document.node, name) if document.node is not None else None
        if node is None or document.node is None:
            return None
        needs = walk(self._schema, document.node, node)
        first, sharing = first_fields(self._schema, document.node, node), None
        if node.operation is OperationType.SUBSCRIPTION:
            resumed = subscriptions.resume_variables(document.node, node)
            sharing = Sharing(resumed, is_personal(self._schema, document.node))
        known = document.operations[name] = Known(
            node, needs, Variables(self._schema, node), _asked(document.node), first, sharing
        )
        return known

    def plan(
        self, document: Document, known: Known, variables: VariableValues, dialect: Dialect
    ) -> Plan | None:
        """The plan of an operation; None where the stock executor has to run it."""
        key = (dialect, *[variables.coerced.get(name) for name in known.asked])
        if key in known.plans:
            return known.plans[key]
        if len(known.plans) >= PLANS_MAX:
            known.plans.clear()
        plan = known.plans[key] = self._compile(document, known, variables, dialect)
        return plan

    def _compile(
        self, document: Document, known: Known, variables: VariableValues, dialect: Dialect
    ) -> Plan | None:
        assert document.node is not None
        # A plan outlives its first request: it keeps no more of the variables than it depends on.
        kept = VariableValues(
            {name: source for name, source in variables.sources.items() if name in known.asked},
            {name: value for name, value in variables.coerced.items() if name in known.asked},
        )
        operation = Operation.of(self._schema, document.node, known.node, kept)
        try:
            made = Plan(operation, Compiler(operation, dialect))
        except Unplanned as reason:
            known.unplanned = str(reason)
            return None
        plans.counters.compiled += 1
        return made

    def _read(self, text: str) -> Document:
        try:
            node = parse(text)
        except GraphQLError as error:
            return Document(None, [error])
        except RecursionError:
            return Document(None, [GraphQLError(NESTED)])
        try:
            found = validate(self._schema, node, RULES, max_errors=ERRORS_MAX)
            return Document(node, [_told(error) for error in found])
        except RecursionError:
            return Document(node, [GraphQLError(NESTED)])


def _told(error: GraphQLError) -> GraphQLError:
    """A fault of the document as the caller's own, whatever Python raised while looking: a number of 5,000 digits."""
    return GraphQLError(error.message[:MESSAGE_LENGTH_MAX], error.nodes, error.source, error.positions)


class _Asked(Visitor):
    """The variables that @skip and @include name."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: Any, *_rest: Any) -> None:
        if node.name.value not in CHOOSING:  # a key chooses no other plan
            return
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)


def _asked(node: DocumentNode) -> tuple[str, ...]:
    asked = _Asked()
    visit(node, asked)
    return tuple(sorted(asked.names))
