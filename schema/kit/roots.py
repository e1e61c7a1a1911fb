"""`@query`, `@mutation`, `@subscription`: root fields with their permission; refusals become `userErrors`."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_type_hints

import strawberry

from db.base import Permission
from schema.kit import access
from schema.kit.errors import USER_CODES, user_error
from services.errors import Problem

Function = Callable[..., Any]


def mutation(needs: Permission | None = None, *, public: bool = False) -> Callable[[Function], Any]:
    """A mutation field. What the caller can fix answers with an empty payload; the rest is a top-level error."""

    def make(function: Function) -> Any:
        described = strawberry.argument(description="What it takes.")
        function.__annotations__["input"] = Annotated[function.__annotations__["input"], described]

        @functools.wraps(function)
        async def run(self: Any, info: Any, input: Any) -> Any:
            async def do() -> Any:
                try:
                    return await function(self, info, input)
                except Problem as problem:
                    if problem.code not in USER_CODES:
                        raise
                    return refused(_payload_type(function), problem)

            return await info.context.once(info.path.key, do)

        return strawberry.mutation(resolver=run, **_options(function, needs, public))

    return make


def query(needs: Permission | None = None, *, public: bool = False) -> Callable[[Function], Any]:
    """A query field with a resolver of its own."""
    return lambda function: strawberry.field(resolver=function, **_options(function, needs, public))


def subscription(needs: Permission | None = None) -> Callable[[Function], Any]:
    """A subscription field: an asynchronous generator of rows."""
    return lambda function: strawberry.subscription(resolver=function, **_options(function, needs, False))


def _options(function: Function, needs: Permission | None, public: bool) -> dict[str, Any]:
    return {
        "description": access.with_need(inspect.getdoc(function), needs),
        "directives": access.marks(needs),
        "metadata": {access.NEEDS: needs, access.PUBLIC: public},
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
