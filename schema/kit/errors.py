"""What a caller is told when something fails: a code, a path, and nothing of the inside."""

from dataclasses import Field, field
from typing import Any, TypeVar, dataclass_transform

import strawberry
import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.utils.str_converters import to_camel_case

from db.faults import DatabaseFault, FaultKind, fault_of
from schema.kit.context import Context
from schema.kit.docs import attribute_docs, class_doc, publish_enum
from services import errors as problems
from services import security
from services.errors import ErrorCode

P = TypeVar("P", bound=type)
log = structlog.get_logger("switchboard.errors")

publish_enum(ErrorCode)
MASKED = "Something went wrong on our side. The request id finds it in the server's log."
AWAY = "The database does not take this now, and nothing was done. Ask again later."
UNKNOWN = "The database broke off while it kept this: it may be done, or not. Look, or send it again with the same key."
SUGGESTING = " Did you mean "
"""How graphql-core begins to list names that are like the wrong one, at the end of a message."""
TOO_LONG = "It took longer than one operation may."
USER_CODES = problems.FIXABLE
"""What a caller of a mutation can fix: told in `userErrors`, everything else at the top level."""


@strawberry.type(description="A problem the caller can fix.")
class UserError:
    code: ErrorCode = strawberry.field(description="What kind of problem.")
    message: str = strawberry.field(description="For people; its wording may change.")
    path: list[str] | None = strawberry.field(
        description='Where in the arguments: ["input", "items", "0", "quantity"].'
    )


def user_error(problem: problems.Problem, *prefix: str) -> UserError:
    """A refusal as a payload tells it: its place within `prefix`, in the names of the SDL."""
    return UserError(code=problem.code, message=problem.message, path=[*prefix, *_spelled(problem.path)])


def _spelled(path: problems.Path) -> list[str]:
    return [to_camel_case(str(p)) for p in path]


def present(error: GraphQLError, request_id: str) -> GraphQLError:
    """An error as the caller may see it. What nobody foresaw is masked, and logged once with the request id."""
    cause = _cause(error)
    if isinstance(cause, problems.Problem):
        extensions: dict[str, Any] = {"code": cause.code.value}
        if cause.path:
            extensions["argument"] = _spelled(cause.path)
        if isinstance(cause, problems.RateLimited):
            extensions["retryAfter"] = cause.retry_after
        return _again(error, cause.message, extensions)
    fault = fault_of(cause) if cause is not None else None
    if fault is not None:
        return _unavailable(error, fault, request_id)
    if cause is None or isinstance(cause, GraphQLError):
        code = (error.extensions or {}).get("code", problems.ErrorCode.VALIDATION_ERROR.value)
        return _again(error, error.message, {**(error.extensions or {}), "code": code})
    log.error("unforeseen", request_id=request_id, path=error.path, exc_info=cause)
    extensions = {"code": problems.ErrorCode.INTERNAL.value, "requestId": request_id}
    return _again(error, MASKED, extensions)


def tell(errors: list[GraphQLError], context: Context) -> list[GraphQLError]:
    """The errors of an operation as its caller may see them. That a permission was missing is noted, once for all."""
    told = [present(error, context.request_id) for error in errors]
    refused = next((e for e in errors if isinstance(_cause(e), problems.Forbidden)), None)
    if refused is not None:
        who = context.asking.id if context.asking is not None else None
        where = ".".join(map(str, refused.path or ()))
        security.note(security.PERMISSION_REFUSED, user_id=who, path=where, reason=str(_cause(refused)))
    return [unsuggesting(error) for error in told] if context.server.guards_schema else told


def unsuggesting(error: GraphQLError) -> GraphQLError:
    """The error without the names that the caller may have meant: they would tell the schema, guess by guess."""
    kept, found, _ = error.message.partition(SUGGESTING)
    if found:
        error.message = kept
    return error


def _unavailable(error: GraphQLError, fault: DatabaseFault, request_id: str) -> GraphQLError:
    """What the driver said is for the log alone."""
    log.warning(
        "database fault", request_id=request_id, kind=fault.kind.value, cause=repr(fault.__cause__ or fault)
    )
    if fault.kind is FaultKind.TIMEOUT:
        return _again(error, TOO_LONG, {"code": problems.ErrorCode.TIMEOUT.value})
    extensions = {
        "code": problems.ErrorCode.DATABASE_UNAVAILABLE.value,
        "retryAfter": fault.retry_after,
        "requestId": request_id,
    }
    return _again(error, AWAY if fault.undone else UNKNOWN, extensions)


def _cause(error: GraphQLError) -> BaseException | None:
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _again(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    if isinstance(error, GraphQLSyntaxError):
        error.extensions = extensions
        return error
    return GraphQLError(message, error.nodes, error.source, error.positions, error.path, None, extensions)


class Payload:
    """What every mutation answers with. Refused, its fields are null, or the row as it is where that tells why."""

    user_errors: list[UserError] = field(default_factory=list)
    """Why it was refused; empty when it was done."""


@dataclass_transform(kw_only_default=True, field_specifiers=(field, strawberry.field))
def payload(cls: P) -> P:
    """Makes a class the answer of a mutation; every field has a default, for the refusal."""
    docs = attribute_docs(cls)
    cls.__annotations__ = {**cls.__annotations__, **Payload.__annotations__}
    for name in cls.__annotations__:
        default = getattr(cls, name, Payload.user_errors)
        given = {"default_factory": list} if isinstance(default, Field) else {"default": default}
        setattr(cls, name, strawberry.field(description=docs.get(name), **given))
    made: P = strawberry.type(cls, description=class_doc(cls))
    return made
