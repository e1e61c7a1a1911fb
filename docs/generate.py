"""Writes the parts of the documentation that the code says better: the diagram, the error codes, the settings.

`make docs` runs it. In a page, such a part stands between `<!-- generated: name -->` and `<!-- end -->`.
"""

import dataclasses
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from graphql import (
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    build_schema,
    get_named_type,
)

DOCS: Final = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))  # it is run as a file, from anywhere

from graph.settings import KEY_RINGS, Settings  # noqa: E402
from graph.statuses import STATUSES  # noqa: E402
from schema import schema  # noqa: E402
from schema.kit.docs import attribute_docs  # noqa: E402
from schema.kit.errors import USER_CODES  # noqa: E402
from services.errors import ErrorCode  # noqa: E402
from services.limits import LEVELS, Level  # noqa: E402

PART: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
GIVEN: Final = {
    "allowed_hosts": "any in development",
    "graphiql": "`on` in development, `off` in production",
    "rate_limits": "`on`",
    "limits": "",
    "jwt_secret": "made in development",
    "db_encryption_key": "made in development",
}
"""Defaults that depend on ENVIRONMENT."""

Edges = dict[tuple[str, str], list[tuple[str, str]]]


def diagram() -> str:
    """The types that have an id and the fields that lead from one to another, as Mermaid draws classes."""
    graph = build_schema(schema.as_str())
    nodes = {name: kind for name, kind in graph.type_map.items() if is_drawn(graph, kind)}
    lines = ["```mermaid", "classDiagram", "  direction LR"]
    for name, kind in nodes.items():
        if isinstance(kind, GraphQLInterfaceType):
            lines += [f"  class {name} {{", "    <<interface>>", "  }"]
            lines += [f"  {name} <|.. {member}" for member in nodes if kind in above(nodes[member])]
    one, many = edges(nodes)
    for (source, target), fields in one.items():
        back = many.pop((target, source), []) if len(fields) == 1 else []
        for field, count in fields:
            label = " / ".join([field, *(name for name, _ in back)])
            lines.append(f'  {source} "*" --> "{count}" {target} : {label}')
    for (source, target), fields in many.items():
        lines += [f'  {source} "*" --> "*" {target} : {field}' for field, _ in fields]
    return "\n".join([*lines, "```\n"])


def is_drawn(graph: GraphQLSchema, kind: Any) -> bool:
    node = graph.type_map["Node"]
    return isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and node in kind.interfaces


def above(kind: Any) -> tuple[GraphQLInterfaceType, ...]:
    return tuple(kind.interfaces)


def edges(nodes: dict[str, Any]) -> tuple[Edges, Edges]:
    """What leads to one and what leads to many, by where from and where to; what an interface says is said there."""
    one: Edges = {}
    many: Edges = {}
    for name, kind in nodes.items():
        said = {field for interface in above(kind) for field in interface.fields}
        for field, found in kind.fields.items():
            target, count = leads_to(found.type)
            if target in nodes and field not in said:
                (many if count == "*" else one).setdefault((name, target), []).append((field, count))
    return one, many


def leads_to(kind: GraphQLOutputType) -> tuple[str, str]:
    """The type at the end of a field, and how many of it there may be."""
    name = get_named_type(kind).name
    if name.endswith("Connection"):
        return name.removesuffix("Connection"), "*"
    if "[" in str(kind):
        return name, "*"
    return name, "1" if isinstance(kind, GraphQLNonNull) else "0..1"


def types() -> str:
    """What each drawn type is, and the permission it takes."""
    graph = build_schema(schema.as_str())
    lines = ["| type | is | permission |", "|---|---|---|"]
    for name, kind in graph.type_map.items():
        if is_drawn(graph, kind):
            meaning, _, needs = (kind.description or "").partition("\n\nNeeds ")
            shown = " ".join(meaning.split())
            permission = f"`{needs.rstrip('.')}`" if needs else ""
            lines.append(f"| `{name}` | {shown} | {permission} |")
    return "\n".join([*lines, ""])


def codes() -> str:
    """Every code with its HTTP status, where it is told, and what it means."""
    docs = attribute_docs(ErrorCode)
    lines = ["| code | status | told in | means |", "|---|---|---|---|"]
    for code in ErrorCode:
        meaning = re.sub(r"^\[\d+\] ", "", docs[code.name])
        places = "`userErrors`, `errors`" if code in USER_CODES else "`errors`"
        lines.append(f"| `{code.value}` | {STATUSES[code]} | {places} | {meaning} |")
    return "\n".join([*lines, ""])


def settings() -> str:
    """Every variable with its default, the bounds of its value, and what .env.example says of it."""
    lines = ["| variable | default | is |", "|---|---|---|"]
    told = dict(remarks())
    before = ""
    for name, field in Settings.model_fields.items():
        bounds = {type(m).__name__: m for m in field.metadata}
        low, high = bounds.get("Ge"), bounds.get("Le")
        text = told[name.upper()] if told[name.upper()] != before else "See above."
        before = told[name.upper()]
        if low is not None and high is not None:
            text += f" From {low.ge:,} to {high.le:,}."
        lines.append(f"| `{name.upper()}` | {default(name, field.default)} | {text} |")
    return "\n".join([*lines, ""])


def default(name: str, value: Any) -> str:
    if name in GIVEN or name in KEY_RINGS:
        return GIVEN[name]
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    return f"`{value}`" if value not in (None, ()) else ""


def levels() -> str:
    """What each level may ask for."""
    names = [f.name for f in dataclasses.fields(Level)]
    rows = [[name.value, *[f"{getattr(level, n):,}" for n in names]] for name, level in LEVELS.items()]
    lines = [["level", *[f"`{n}`" for n in names]], ["---"] * (len(names) + 1), *rows]
    return "\n".join([*[f"| {' | '.join(line)} |" for line in lines], ""])


def remarks() -> Iterator[tuple[str, str]]:
    """The variables of .env.example, each with the comment above it or above the one before."""
    text = ""
    above_it = False
    for line in (DOCS.parent / ".env.example").read_text().splitlines():
        if line.startswith("# "):
            text = f"{text} {line[2:]}" if above_it else line[2:]
            above_it = True
        else:
            above_it = False
        if re.match(r"#?[A-Z_]+=", line):
            yield line.lstrip("#").partition("=")[0], text


PARTS: Final[dict[str, Callable[[], str]]] = {
    "diagram": diagram,
    "types": types,
    "codes": codes,
    "settings": settings,
    "levels": levels,
}


def written(page: str) -> str:
    """A page with its generated parts as they are now."""
    return PART.sub(lambda part: part[1] + PARTS[part[2]]() + part[3], page)


if __name__ == "__main__":
    for path in DOCS.glob("*.md"):
        path.write_text(written(path.read_text()))
