"""`@described_input`: input types with descriptions, and their values as the keyword arguments of a service."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import strawberry
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryList, StrawberryObjectDefinition, StrawberryOptional
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

from schema.kit import ids
from schema.kit.docs import attribute_docs, class_doc
from services.errors import Invalid

C = TypeVar("C", bound=type)
LIST_SIZE_MAX = 100
REQUIRED = object()
Path = tuple[str | int, ...]
Read = Callable[[Any, InputContext], Any]
Take = Callable[[Any, Path], Any]


def described_input(cls: C) -> C:
    """Makes a class an input type. Optional fields without a default may be absent, which is not the same as null."""
    return _make(cls)


def one_of(cls: C) -> C:
    """Makes a class an input type of which exactly one field is given."""
    return _make(cls, one_of=True)


def _make(cls: C, **options: Any) -> C:
    docs = attribute_docs(cls)
    for name, annotation in cls.__annotations__.items():
        default = cls.__dict__.get(name, strawberry.UNSET if _is_optional(annotation) else REQUIRED)
        if default is REQUIRED:
            setattr(cls, name, strawberry.field(description=docs.get(name)))
        elif not isinstance(default, StrawberryField):
            setattr(cls, name, strawberry.field(default=default, description=docs.get(name)))
    made: C = strawberry.input(cls, description=class_doc(cls), **options)
    # Strawberry would work out the name and the type of each field again for each request.
    definition_of(made).from_input = _from_input
    return made


def definition_of(cls: type) -> StrawberryObjectDefinition:
    """What Strawberry knows of an input type."""
    definition: StrawberryObjectDefinition = cls.__strawberry_definition__  # type: ignore[attr-defined]
    return definition


def _from_input(cls: type, value: Mapping[str, Any], context: InputContext) -> Any:
    """An instance of an input type, of values as graphql-core has coerced them."""
    fields = FIELDS.get(cls)
    if fields is None:
        name_of = context.config.name_converter.from_field
        fields = FIELDS[cls] = [
            (name_of(field), field.python_name, _reader(field.resolve_type()))
            for field in definition_of(cls).fields
        ]
    return cls(**{name: read(value[key], context) for key, name, read in fields if key in value})


def _reader(kind: Any) -> Read:
    """What makes a value of a field's type of a coerced one."""
    while isinstance(kind, StrawberryOptional | LazyType):
        kind = kind.of_type if isinstance(kind, StrawberryOptional) else kind.resolve_type()
    if isinstance(kind, StrawberryList):
        item = _reader(kind.of_type)
        return lambda value, context: None if value is None else [item(v, context) for v in value]
    if not strawberry_input(kind):
        return lambda value, context: value
    return lambda value, context: None if value is None else _from_input(kind, value, context)


def _is_optional(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


def given(input: Any, *path: str | int) -> dict[str, Any]:
    """What was given: absent fields left out, null kept, ids as UUIDs; NotFound with its path for another type's id."""
    values = {}
    for name, take in takers_of(type(input)).items():
        value = getattr(input, name)
        if value is not strawberry.UNSET:
            values[name] = None if value is None else take(value, (*path, name))
    return values


def _taker(annotation: Any) -> Take:
    """What makes a service's value of a field's."""
    listed = next((a for a in _flat(annotation) if get_origin(a) is list), None)
    if listed is not None:
        take = _taker(get_args(listed)[0])

        def take_all(values: Any, path: Path) -> Any:
            if len(values) > LIST_SIZE_MAX:
                raise Invalid(f"At most {LIST_SIZE_MAX}.", *path)
            return [None if v is None else take(v, (*path, i)) for i, v in enumerate(values)]

        return take_all
    mark = next((a for a in _marks(annotation) if isinstance(a, ids.IdOf)), None)
    if mark is not None:
        return lambda value, path: ids.decode(mark.prefix, value, *path)
    return _taken


def _taken(value: Any, path: Path) -> Any:
    if hasattr(value, "to_value"):
        return value.to_value()
    return given(value, *path) if strawberry_input(type(value)) else value


def strawberry_input(kind: Any) -> bool:
    """Whether a class is an input type."""
    definition = getattr(kind, "__strawberry_definition__", None)
    return definition is not None and getattr(definition, "is_input", False)


def _flat(annotation: Any) -> list[Any]:
    if get_origin(annotation) is list or get_origin(annotation) is Annotated:
        return [annotation]
    return list(get_args(annotation)) or [annotation]


def _marks(annotation: Any) -> list[Any]:
    return [m for a in _flat(annotation) if get_origin(a) is Annotated for m in get_args(a)[1:]]


FIELDS: dict[type, list[tuple[str, str, Read]]] = {}
"""The fields of each input type: their names in the graph and in Python, and what makes their values."""


TAKERS: dict[type, dict[str, Take]] = {}


def takers_of(cls: type) -> dict[str, Take]:
    """What makes a service's values of the fields of an input type."""
    if cls not in TAKERS:
        TAKERS[cls] = {name: _taker(a) for name, a in get_type_hints(cls, include_extras=True).items()}
    return TAKERS[cls]
