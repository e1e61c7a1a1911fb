"""What is known of a query text, whoever sends it: parsed, walked, validated and compiled once."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from sys import getsizeof
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
from schema.kit.parsing import NESTED, forget_tokens, parsed
from schema.kit.personal import is_personal
from schema.kit.pricing import Measure, Pricing, Sizes, size_of
from schema.kit.roots import Function, first_fields
from schema.kit.shapes import Shape, shape_of
from schema.kit.variables import Variables
from schema.kit.walk import Needs, walk
from services.limits import Level

DOCUMENTS_MAX = 1_000
"""How many query texts are kept."""
BYTES_MAX = 96 * 2**20
"""How much memory all that is known of them takes, about, where most have one plan."""
BYTES_OF_A_TOKEN = 640
"""What is known of a text takes so much for each of its tokens, about: half of it the tree, half the plan."""
PLANS_MAX = 32
"""How many plans one operation has at most: one for each choice that its @skip and @include make."""
PRICES_MAX = 100
"""How many prices of one operation are kept: one for each page size that its variables give."""
OCCURRENCES_MAX = 100
"""How often one response name may be selected in one place, or how many fragments spread: validation compares each pair."""
RULES = [*specified_rules, KeysOnMutations, OneAttempt]
ERRORS_MAX = 10
"""How many errors one answer lists."""
MESSAGE_LENGTH_MAX = 500
ABSENT = -1
"""In place of the size that a variable gives."""
CHOOSING = frozenset({"skip", "include"})


@dataclass(frozen=True)
class Sharing:
    """What the answers of a subscription depend on."""

    resumed: frozenset[str]
    """The variables that say where to begin, and nothing else."""
    is_personal: bool
    """Whether it asks for the very person."""


@dataclass
class Known:
    """What is known of one operation of a document. Up to its price, before the document is validated."""

    schema: GraphQLSchema
    document: DocumentNode
    node: OperationDefinitionNode
    plans: dict[Any, Plan | None] = field(default_factory=dict)
    unplanned: str | None = None
    """Why it has no plan."""
    _prices: dict[Any, Measure] = field(default_factory=dict)
    _excesses: dict[Level, str] = field(default_factory=dict)

    @cached_property
    def needs(self) -> Needs:
        """What the caller has to be allowed."""
        return walk(self.schema, self.document, self.node)

    @cached_property
    def pricing(self) -> Pricing:
        """What it costs, and how deep it is."""
        return Pricing(self.schema, self.document, self.node)

    def measure(self, given: Mapping[str, Any] | None, page_max: int) -> Measure:
        """What it asks for with these variables. Raises TooWide or Endless where it has no measure."""
        values = given or {}
        key = self._price_key(values, page_max)
        found = self._prices.get(key)
        if found is None:
            sizes = {name: size_of(value) for name, value in values.items()}
            found = self.pricing.measure(Sizes(sizes, page_max))
            if len(self._prices) >= PRICES_MAX:
                self._prices.clear()
            # Which variables say a size is known by now; the first time it was not.
            self._prices[self._price_key(values, page_max)] = found
        return found

    def _price_key(self, values: Mapping[str, Any], page_max: int) -> tuple[int | None, ...]:
        # What is absent has its default; a null has none.
        sizes = [size_of(values[name]) if name in values else ABSENT for name in self.pricing.variables]
        return (page_max, *sizes)

    def excess(self, shape: Shape, level: Level, depth: int) -> str:
        """What of it is more than the level allows, in words; empty where nothing is."""
        found = self._excesses.get(level)
        if found is None:
            counts = (
                (shape.tokens, level.tokens, "tokens"),
                (shape.aliases, level.aliases, "aliases"),
                (shape.directives, level.aliases, "directives"),
                (depth, level.depth, "levels of fields"),
                (shape.widest, OCCURRENCES_MAX, "times one field, or fragments, in one place"),
            )
            over = [
                f"{count:,} {what}, where {most:,} are allowed"
                for count, most, what in counts
                if count > most
            ]
            found = self._excesses[level] = "; ".join(over)
        return found

    @cached_property
    def variables(self) -> Variables:
        """The variables that it declares."""
        return Variables(self.schema, self.node)

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """The variables that @skip and @include ask."""
        return _asked(self.document)

    @cached_property
    def first(self) -> list[Function]:
        """What is read before the rest of it."""
        return first_fields(self.schema, self.document, self.node)

    @cached_property
    def sharing(self) -> Sharing:
        """Of a subscription: with whom its answers may be shared."""
        resumed = subscriptions.resume_variables(self.document, self.node)
        return Sharing(resumed, is_personal(self.schema, self.document))

    @property
    def follows(self) -> bool:
        """Whether it is a subscription."""
        return self.node.operation is OperationType.SUBSCRIPTION


@dataclass
class Document:
    """What is known of a query text; `node` is None where it does not parse, for the reason that is `unread`."""

    schema: GraphQLSchema
    node: DocumentNode | None
    shape: Shape
    unread: GraphQLError | None = None
    bytes: int = 0
    """How much memory all that is known of it takes, about."""
    operations: dict[str | None, Known | None] = field(default_factory=dict)

    @cached_property
    def errors(self) -> list[GraphQLError]:
        """What is wrong with it. It costs much to say: the limits come first."""
        if self.node is None:
            return [self.unread] if self.unread is not None else []
        try:
            found = validate(self.schema, self.node, RULES, max_errors=ERRORS_MAX)
        except RecursionError:
            return [GraphQLError(NESTED)]
        return [_told(error) for error in found]


class Documents:
    """The query texts seen last."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: OrderedDict[str, Document] = OrderedDict()
        self._bytes = 0

    def of(self, text: str, level: Level) -> Document:
        """What is known of a text; worked out at first sight, as far as the level lets it be read."""
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known
        known = self._read(text, level.tokens)
        if known.node is not None:
            self._keep(text, known)
        return known

    def operation(self, document: Document, name: str | None) -> Known | None:
        """The operation that would run; None where the document does not parse, or does not say which."""
        if name in document.operations:
            return document.operations[name]
        node = get_operation_ast(document.node, name) if document.node is not None else None
        if node is None or document.node is None:
            return None
        known = document.operations[name] = Known(self._schema, document.node, node)
        return known

    def plan(self, known: Known, variables: VariableValues, dialect: Dialect) -> Plan | None:
        """The plan of an operation of a valid document; None where the stock executor has to run it."""
        key = (dialect, *[variables.coerced.get(name) for name in known.asked])
        if key in known.plans:
            return known.plans[key]
        if len(known.plans) >= PLANS_MAX:
            known.plans.clear()
        plan = known.plans[key] = self._compile(known, variables, dialect)
        return plan

    def _compile(self, known: Known, variables: VariableValues, dialect: Dialect) -> Plan | None:
        # A plan outlives its first request: it keeps no more of the variables than it depends on.
        kept = VariableValues(
            {name: source for name, source in variables.sources.items() if name in known.asked},
            {name: value for name, value in variables.coerced.items() if name in known.asked},
        )
        operation = Operation.of(self._schema, known.document, known.node, kept)
        try:
            made = Plan(operation, Compiler(operation, dialect))
        except Unplanned as reason:
            known.unplanned = str(reason)
            return None
        plans.counters.compiled += 1
        return made

    def _keep(self, text: str, known: Document) -> None:
        self._known[text] = known
        self._bytes += known.bytes
        while len(self._known) > DOCUMENTS_MAX or self._bytes > BYTES_MAX:
            _, oldest = self._known.popitem(last=False)
            self._bytes -= oldest.bytes

    def _read(self, text: str, tokens_max: int) -> Document:
        try:
            node = parsed(text, tokens_max)
        except GraphQLError as error:
            return Document(self._schema, None, Shape(), error)
        shape = shape_of(self._schema, node)
        forget_tokens(node)
        return Document(self._schema, node, shape, bytes=getsizeof(text) + BYTES_OF_A_TOKEN * shape.tokens)


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
