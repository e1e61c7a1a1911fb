"""`@query`, `@mutation`, `@subscription`: root fields with their permission; refusals become `userErrors`."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_type_hints

import strawberry
from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.utils.str_converters import to_camel_case

from db.base import Permission
from schema.kit import access
from schema.kit.attempts import ATTEMPT
from schema.kit.context import Info
from schema.kit.costs import COST, FREE, Cost
from schema.kit.errors import USER_CODES, user_error
from schema.kit.idempotency import REPEATABLE, once_of
from schema.kit.selections import root_fields
from services.errors import Problem

Function = Callable[..., Any]
FIRST = "first"


def mutation(
    needs: Permission | None = None,
    *,
    public: bool = False,
    repeatable: bool = True,
    attempt: bool = False,
    weight: int = 0,
) -> Callable[[Function], Any]:
    """A mutation field. What the caller can fix answers with an empty payload; the rest is a top-level error.

    A `repeatable` one may have a key; who is not signed in has nothing to keep one under. Of those that are an
    `attempt` an operation has one. `weight` is what it costs beside what every mutation costs.
    """

    def make(function: Function) -> Any:
        described = strawberry.argument(description="What it takes.")
        function.__annotations__["input"] = Annotated[function.__annotations__["input"], described]

        action = to_camel_case(function.__name__)

        @functools.wraps(function)
        async def run(self: Any, info: Any, input: Any) -> Any:
            async def do() -> Any:
                try:
                    return await function(self, info, input)
                except Problem as problem:
                    if problem.code not in USER_CODES:
                        raise
                    return refused(_payload_type(function), problem)

            return await info.context.once(info.path.key, do, action, once_of(info._raw_info, input))

        options = _options(function, needs, public, Cost(weight))
        options["metadata"] |= {REPEATABLE: repeatable and not public, ATTEMPT: attempt}
        return strawberry.mutation(resolver=run, **options)

    return make


def query(
    needs: Permission | None = None, *, public: bool = False, weight: int = 0
) -> Callable[[Function], Any]:
    """A query field with a resolver of its own, and what that costs."""
    return lambda function: strawberry.field(
        resolver=function, **_options(function, needs, public, Cost(weight))
    )


def first_query(needs: Permission | None = None) -> Callable[[Function], Any]:
    """A query field `(context)` that is read before anything else of its document, wherever it stands there."""

    def make(function: Function) -> Any:
        async def told(self: Any, info: Any) -> Any:
            return info.context.read_already(function)

        told.__name__ = function.__name__
        told.__annotations__ = {"info": Info, "return": get_type_hints(function)["return"]}
        options = _options(function, needs, False)
        options["metadata"][FIRST] = function
        return strawberry.field(resolver=told, **options)

    return make


def first_fields(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> list[Function]:
    """What has to be read before the rest of the operation: by the root fields that it names, in fragments too."""
    found: dict[Function, None] = {}
    for _, named in root_fields(schema, document, operation):
        definition = named.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        function = definition.metadata.get(FIRST) if definition is not None else None
        found |= {function: None} if function is not None else {}
    return list(found)


def subscription(needs: Permission | None = None) -> Callable[[Function], Any]:
    """A subscription field: an asynchronous generator of rows."""
    return lambda function: strawberry.subscription(resolver=function, **_options(function, needs, False))


def _options(function: Function, needs: Permission | None, public: bool, cost: Cost = FREE) -> dict[str, Any]:
    return {
        "description": cost.described(access.with_need(inspect.getdoc(function), needs)),
        "directives": [*access.marks(needs), *cost.marks()],
        "metadata": {access.NEEDS: needs, access.PUBLIC: public, COST: cost},
    }


def refused(payload: Any, problem: Problem) -> Any:
    """The payload of a refusal: nothing was done, and the row as it is where the problem knows it."""
    answer = payload(user_errors=[user_error(problem, "input")])
    if problem.current is not None:
        name = next(iter(payload.__annotations__))
        setattr(answer, name, problem.current)
    return answer


@functools.cache
def _payload_type(function: Function) -> Any:
    annotated = get_type_hints(function)["return"]
    return get_args(annotated)[0]
