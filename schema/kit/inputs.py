"""`@described_input`: input types with descriptions, and their values as the keyword arguments of a service."""

from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import strawberry
from strawberry.types.field import StrawberryField

from schema.kit import ids
from schema.kit.docs import attribute_docs, class_doc
from services.errors import Invalid

C = TypeVar("C", bound=type)
LIST_SIZE_MAX = 100
REQUIRED = object()


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
    return made


def _is_optional(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


def given(input: Any, *path: str | int) -> dict[str, Any]:
    """What was given: absent fields left out, null kept, ids as UUIDs; NotFound with its path for another type's id."""
    values = {}
    for name, annotation in annotations_of(type(input)).items():
        value = getattr(input, name)
        if value is not strawberry.UNSET:
            values[name] = _value(annotation, value, (*path, name))
    return values


def _value(annotation: Any, value: Any, path: tuple[str | int, ...]) -> Any:
    if value is None:
        return None
    listed = next((a for a in _flat(annotation) if get_origin(a) is list), None)
    if listed is not None:
        if len(value) > LIST_SIZE_MAX:
            raise Invalid(f"At most {LIST_SIZE_MAX}.", *path)
        return [_value(get_args(listed)[0], v, (*path, i)) for i, v in enumerate(value)]
    mark = next((a for a in _marks(annotation) if isinstance(a, ids.IdOf)), None)
    if mark is not None:
        return ids.decode(mark.prefix, value, *path)
    if hasattr(value, "to_value"):
        return value.to_value()
    return given(value, *path) if strawberry_input(value) else value


def strawberry_input(value: Any) -> bool:
    """Whether a value is an instance of an input type."""
    definition = getattr(type(value), "__strawberry_definition__", None)
    return definition is not None and getattr(definition, "is_input", False)


def _flat(annotation: Any) -> list[Any]:
    if get_origin(annotation) is list or get_origin(annotation) is Annotated:
        return [annotation]
    return list(get_args(annotation)) or [annotation]


def _marks(annotation: Any) -> list[Any]:
    return [m for a in _flat(annotation) if get_origin(a) is Annotated for m in get_args(a)[1:]]


ANNOTATIONS: dict[type, dict[str, Any]] = {}


def annotations_of(cls: type) -> dict[str, Any]:
    """The fields of an input type with their annotations, marks included."""
    if cls not in ANNOTATIONS:
        ANNOTATIONS[cls] = get_type_hints(cls, include_extras=True)
    return ANNOTATIONS[cls]
