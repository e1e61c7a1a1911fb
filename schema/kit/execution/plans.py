"""Plans: what an operation compiles to, and how it runs. Whatever a plan cannot answer goes to the stock executor, whole."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLResolveInfo, OperationType
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from schema.kit.context import Context
from schema.kit.edges import ByKey, Few, Many
from schema.kit.execution.compile import Compiler, KeyRoot
from schema.kit.execution.run import Run
from schema.kit.execution.selected import Operation, Selected, Unplanned
from schema.kit.execution.values import Complete


@dataclass
class Counters:
    """How operations were executed since the start of the process."""

    planned: int = 0
    """By a plan."""
    fallback: int = 0
    """By the stock executor: the operation has no plan."""
    surprised: int = 0
    """By the stock executor, after a plan had found something it has no answer to."""
    compiled: int = 0
    """Plans made."""


@dataclass
class Plans:
    """The switch and the counters."""

    enabled: bool = True
    counters: Counters = field(default_factory=Counters)

    @contextmanager
    def off(self) -> Iterator[None]:
        """The stock executor alone, while the block runs."""
        before, self.enabled = self.enabled, False
        try:
            yield
        finally:
            self.enabled = before


plans = Plans()

Answer = Callable[[Run], Awaitable[Any]]


@dataclass(frozen=True)
class Root:
    """One root field: `declared` reads rows, `resolve` calls the field's resolver; exactly one of them is there."""

    key: str
    declared: Answer | None
    resolve: Callable[[Run], Any] | None
    complete: Complete | None
    constant: str | None = None


class Plan:
    """One operation, compiled. It runs for any viewer, any number of times at once."""

    def __init__(self, operation: Operation, compiler: Compiler) -> None:
        self.kind = operation.node.operation
        self.operation = operation
        self.roots = [_root(f, compiler) for f in operation.roots()]

    async def execute(self, context: Context, variables: VariableValues) -> dict[str, Any]:
        """The data of the answer. Raises whatever a statement, a resolver or a value that does not fit raises."""
        if self.kind is OperationType.MUTATION:
            return await self._mutate(context, variables)
        run = Run(context, variables)
        try:
            resolved = await self._resolved(run)
            data: dict[str, Any] = {}
            for root in self.roots:
                if root.declared is not None:
                    data[root.key] = await root.declared(run)
                elif root.complete is not None:
                    data[root.key] = root.complete(resolved[root.key], run)
                else:
                    data[root.key] = root.constant
            await run.finish()
            return data
        finally:
            run.close()

    async def event(self, context: Context, variables: VariableValues, source: Any) -> dict[str, Any] | None:
        """The data of one event of a subscription; None where the stock executor has to say what is wrong with it."""
        run = Run(context, variables)
        try:
            (root,) = self.roots
            assert root.complete is not None
            data = {root.key: root.complete(source, run)}
            await run.finish()
        except Exception:
            plans.counters.surprised += 1
            context.forget()
            return None
        finally:
            run.close()
        plans.counters.planned += 1
        return data

    async def _resolved(self, run: Run) -> dict[str, Any]:
        asked = [root for root in self.roots if root.resolve is not None]
        if not asked:
            return {}
        # Together, as the stock executor runs them: what they load is batched.
        found = await asyncio.gather(*[_called(root, run) for root in asked], return_exceptions=True)
        for value in found:
            if isinstance(value, BaseException):
                raise value
        return {root.key: value for root, value in zip(asked, found, strict=True)}

    async def _mutate(self, context: Context, variables: VariableValues) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for root in self.roots:
            if root.resolve is None or root.complete is None:
                data[root.key] = root.constant
                continue
            # Each field reads for itself, as whoever it made the viewer.
            run = Run(context, variables)
            try:
                data[root.key] = root.complete(await _called(root, run), run)
                await run.finish()
            finally:
                run.close()
        return data


async def _called(root: Root, run: Run) -> Any:
    assert root.resolve is not None
    value = root.resolve(run)
    return await value if isinstance(value, Awaitable) else value


def _root(f: Selected, compiler: Compiler) -> Root:
    if f.field is None:
        return Root(f.key, None, None, None, f.parent.name)
    declared = f.declared
    if isinstance(declared, ByKey):
        found = KeyRoot(declared, f, compiler)
        required = str(f.type).endswith("!")
        if required:
            raise Unplanned(f.name)
        return Root(f.key, found.root, None, None)
    if isinstance(declared, Many):
        return Root(f.key, compiler.page(declared, f).root, None, None)
    if isinstance(declared, Few):
        return Root(f.key, compiler.few(declared, f).root, None, None)
    if declared is not None:
        raise Unplanned(f.name)
    return Root(f.key, None, _resolver(f, compiler), compiler.completer(f.type, f.details))


def _resolver(f: Selected, compiler: Compiler) -> Callable[[Run], Any]:
    """Calls the field's own resolver, as graphql-core would."""
    field, nodes, operation = f.field, f.nodes, compiler.operation
    assert field is not None
    resolve = field.subscribe or field.resolve
    fragments = {name: found.definition for name, found in operation.fragments.items()}
    path = Path(None, f.key, f.parent.name)
    if resolve is None:
        raise Unplanned(f.name)
    read = compiler.arguments(f)

    def call(run: Run) -> Any:
        info: Any = GraphQLResolveInfo(
            f.name,
            nodes,
            field.type,
            f.parent,
            path,
            operation.schema,
            fragments,
            None,
            operation.node,
            run.variables,
            run.context,
            asyncio.iscoroutine,  # type: ignore[arg-type]
            None,
            None,  # type: ignore[arg-type]
        )
        return resolve(None, info, **read(run))

    return call
