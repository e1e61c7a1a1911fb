"""Random documents over the whole schema: whatever fields there are, in every way that GraphQL can ask for them."""

import hashlib
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_list_type,
)

from schema.kit.pricing import cost_of
from tests.fuzz.edges import constructs_of, statements_of
from tests.fuzz.inputs import Inputs, Known, literal

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
DEPTH_MAX: Final = 3
FIELDS_MAX: Final = 4
UNSELECTED: Final = frozenset({"accessToken", "refreshToken", "secret"})
"""Random by nature: no two runs give the same."""


@dataclass
class Case:
    """One operation with its variables, and what constructs are in it."""

    kind: str
    text: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    constructs: set[str] = field(default_factory=set)
    listings: dict[str, str] = field(default_factory=dict)
    """The response keys of connections → how their lists were asked for."""
    sizes: dict[str, int] = field(default_factory=dict)
    """The response keys of lists without pages → as how many rows they are priced."""
    edges: int = 0
    """How many statements it may take at most, however many rows there are."""


class Documents:
    """Makes one case."""

    def __init__(self, schema: GraphQLSchema, random: Random, known: Known) -> None:
        self.schema, self.random = schema, random
        self.known, self.inputs = known, Inputs(random, known)
        self._declared: dict[str, str] = {}
        self._fragments: list[str] = []
        self._keys: dict[tuple[str, str, str], str] = {}
        self.case = Case("query")

    def query(self) -> Case:
        """A query of one to three root fields."""
        root = self.schema.query_type
        assert root is not None
        return self._finish("query", self._roots(root, self.random.choice((1, 1, 2, 3))))

    def mutation(self, inputs: dict[str, dict[str, Any]]) -> Case:
        """A mutation of one to three root fields, each with one of the inputs."""
        root = self.schema.mutation_type
        assert root is not None
        names = self.random.sample(sorted(inputs), self.random.choice((1, 1, 2, 3)))
        members = []
        for number, name in enumerate(names):
            given, declared = inputs[name], root.fields[name]
            shown = self._as_variable(str(declared.args["input"].type), given)
            below = self._selection(self._composite(declared), 2)
            members.append(f"m{number}: {name}(input: {shown}) {below}")
            self.case.constructs |= {"mutation", "alias", "argument"}
        return self._finish("mutation", " ".join(members))

    def subscription(self, name: str, arguments: dict[str, Any]) -> Case:
        """A subscription to one field."""
        root = self.schema.subscription_type
        assert root is not None
        declared = root.fields[name]
        shown = ", ".join(
            f"{n}: {self._as_variable(str(declared.args[n].type), v)}" for n, v in arguments.items()
        )
        self.case.constructs |= {"subscription", "argument"}
        below = self._selection(self._composite(declared), 3)
        return self._finish("subscription", f"{name}({shown}) {below}")

    def _finish(self, kind: str, members: str) -> Case:
        self.case.kind = kind
        variables = ", ".join(f"${name}: {declared}" for name, declared in self._declared.items())
        head = f"{kind} Case({variables})" if variables else f"{kind} Case"
        self.case.text = " ".join([head, "{", members, "}", *self._fragments])
        return self.case

    def _roots(self, root: GraphQLObjectType, count: int) -> str:
        # Lookups and lists of rows, not what needs nothing: that is where plans are.
        names = [n for n in root.fields if n not in ("viewer", "roles") or self.random.random() < 0.4]
        chosen = set(self.random.sample(names, count)) | ({"nodes"} if self.random.random() < 0.06 else set())
        members = [self._field(root, n, root.fields[n], 0, "r") for n in sorted(chosen)]
        return " ".join(member for member in members if member) or "__typename"

    def _composite(self, declared: GraphQLField) -> Composite:
        kind = get_named_type(declared.type)
        assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
        return kind

    def _selection(self, kind: Composite, depth: int, prefix: str = "") -> str:
        members = self._members(kind, depth, prefix)
        if self.random.random() < 0.2:
            members.append("__typename")
        if depth > 0 and self.random.random() < 0.2:
            members.append(self._inline(kind, depth - 1, prefix))
        if depth > 0 and self.random.random() < 0.2:
            members.append(self._spread(kind, depth - 1, prefix))
        self.random.shuffle(members)
        return "{ " + " ".join(members or ["__typename"]) + " }"

    def _members(self, kind: Composite, depth: int, prefix: str) -> list[str]:
        members = []
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            self.case.constructs.add("union" if isinstance(kind, GraphQLUnionType) else "interface")
            members += [self._on(possible, depth) for possible in self.schema.get_possible_types(kind)]
            if isinstance(kind, GraphQLUnionType):
                return [member for member in members if member]
        fields = {n: f for n, f in kind.fields.items() if n not in UNSELECTED}
        count = self.random.randint(1, min(FIELDS_MAX, len(fields)))
        for name in self.random.sample(sorted(fields), count):
            members.append(self._field(kind, name, fields[name], depth, prefix))
        return [member for member in members if member]

    def _on(self, kind: GraphQLObjectType, depth: int) -> str:
        if self.random.random() < 0.5:
            return ""
        self.case.constructs.add("inline fragment")
        # Types that share nothing may not answer under the same key: each has a letter in front.
        below = self._selection(kind, max(0, depth - 1), prefix=kind.name.lower())
        return f"... on {kind.name}{self._condition()} {below}"

    def _inline(self, kind: Composite, depth: int, prefix: str) -> str:
        self.case.constructs.add("inline fragment")
        name = f" on {kind.name}" if self.random.random() < 0.5 else ""
        return f"...{name}{self._condition()} {self._selection(kind, depth, prefix)}"

    def _spread(self, kind: Composite, depth: int, prefix: str) -> str:
        self.case.constructs.add("named fragment")
        name = f"F{len(self._fragments)}"
        self._fragments.append("")
        place = len(self._fragments) - 1
        self._fragments[place] = f"fragment {name} on {kind.name} {self._selection(kind, depth, prefix)}"
        return f"...{name}{self._condition()}"

    def _field(self, parent: Composite, name: str, declared: GraphQLField, depth: int, prefix: str) -> str:
        kind = get_named_type(declared.type)
        is_root = prefix == "r"
        if not is_leaf_type(kind) and depth <= 0 and not is_root:
            return ""
        given = self._given(name, declared)
        if given is None:
            return ""
        shown = self._arguments(declared, given)
        key = self._key(name, shown, prefix)
        self.case.constructs |= constructs_of(declared)
        if "first" in declared.args:
            self.case.listings[key] = listing_of(name, given)
        self.case.edges += statements_of(declared, name)
        below = "" if is_leaf_type(kind) else f" {self._below(kind, DEPTH_MAX if is_root else depth - 1)}"
        if is_list_type(getattr(declared.type, "of_type", declared.type)):
            self.case.constructs.add("list")
            if "ids" not in declared.args:
                usual = cost_of(declared).size
                self.case.sizes[key] = min(usual, self.case.sizes.get(key, usual))
        alias = "" if key == name else f"{key}: "
        return f"{alias}{name}{shown}{self._condition()}{below}"

    def _below(self, kind: Any, depth: int) -> str:
        is_connection = kind.name.endswith("Connection")
        return self._connection(kind, depth) if is_connection else self._selection(kind, depth)

    def _connection(self, kind: GraphQLObjectType, depth: int) -> str:
        node = get_named_type(get_named_type(kind.fields["nodes"].type))
        assert isinstance(node, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
        parts = []
        if self.random.random() < 0.6:
            parts.append(f"nodes{self._condition()} {self._selection(node, depth)}")
        if self.random.random() < 0.5 or not parts:
            parts.append(f"edges {{ cursor node {self._selection(node, depth)} }}")
        if self.random.random() < 0.4:
            parts.append("pageInfo { hasNextPage hasPreviousPage startCursor endCursor }")
        if self.random.random() < 0.3:
            parts.append(f"totalCount{self._condition()}")
        if self.random.random() < 0.1:
            parts.append("__typename")
        self.random.shuffle(parts)
        return "{ " + " ".join(parts) + " }"

    def _key(self, name: str, shown: str, prefix: str) -> str:
        # The same arguments answer under the same key, so that selections are merged and never at odds.
        plain = prefix.strip("r")
        known = self._keys.get((name, shown, plain))
        if known is not None and self.random.random() < 0.9:
            return known
        digest = hashlib.sha256(shown.encode()).hexdigest()[:4] if shown else ""
        made = f"{plain}{name[0].upper() if plain else name[0]}{name[1:]}_{digest}"
        if not shown and not plain and self.random.random() < 0.75:
            made = name
        else:
            self.case.constructs.add("alias")
        self._keys[name, shown, plain] = made
        return made

    def _condition(self) -> str:
        chance = self.random.random()
        if chance > 0.1:
            return ""
        self.case.constructs.add("condition")
        word, value = self.random.choice((("include", True), ("skip", False), ("include", False)))
        if self.random.random() < 0.6:
            # One of two: a plan is made for each choice of them.
            name = self.random.choice(("yes", "no"))
            self._declared[name] = "Boolean!"
            self.case.variables[name] = name == "yes"
            return f" @{word}(if: ${name})"
        return f" @{word}(if: {literal(value)})"

    def _arguments(self, declared: GraphQLField, given: dict[str, Any]) -> str:
        if not given:
            return ""
        self.case.constructs.add("argument")
        shown = []
        for argument, value in given.items():
            kind = declared.args[argument].type
            if self.random.random() < 0.3:
                shown.append(f"{argument}: {self._as_variable(str(kind), value)}")
            else:
                shown.append(f"{argument}: {literal(value)}")
        return f"({', '.join(shown)})"

    def _as_variable(self, kind: str, value: Any) -> str:
        name = f"v{len(self._declared)}"
        self.case.constructs.add("variable")
        self._declared[name] = kind
        self.case.variables[name] = value
        return f"${name}"

    def _given(self, name: str, declared: GraphQLField) -> dict[str, Any] | None:
        if "first" in declared.args:
            return self._page(name, declared.args)
        given: dict[str, Any] = {}
        for argument, kind in declared.args.items():
            if argument == "by" and name in self.known.keys and self.random.random() < 0.7:
                choice = self.random.choice(sorted(self.known.keys[name]))
                given["by"] = {choice: self.known.keys[name][choice]}
            elif isinstance(kind.type, GraphQLNonNull) or self.random.random() < 0.5:
                try:
                    given[argument] = self.inputs.value(kind.type, argument, name)
                except LookupError:
                    return None
        if name == "nodes":
            self.case.constructs.add("nodes")
        return given

    def _page(self, name: str, arguments: dict[str, GraphQLArgument]) -> dict[str, Any]:
        random, given = self.random, dict[str, Any]()
        if "where" in arguments and random.random() < 0.4:
            given["where"] = self.inputs.value(arguments["where"].type, "where", name)
            self.case.constructs.add("filter")
        if "sort" in arguments and random.random() < 0.4:
            found = self.inputs.value(arguments["sort"].type, "sort", name)
            given["sort"] = list({choice["field"]: choice for choice in found}.values())[:2]
            self.case.constructs.add("sort")
        backwards = random.random() < 0.35
        size, cursor = ("last", "before") if backwards else ("first", "after")
        if backwards or random.random() < 0.8:
            given[size] = self.inputs.value(arguments[size].type, size, name)
            self.case.constructs.add("backwards" if backwards else "forwards")
        known = self.known.cursors.get(listing_of(name, given))
        if known and random.random() < 0.6:
            given[cursor] = random.choice(known)
            self.case.constructs.add("cursor")
        elif "offset" in arguments and not backwards and random.random() < 0.15:
            given["offset"] = self.inputs.value(arguments["offset"].type, "offset", name)
        return given


def listing_of(name: str, given: dict[str, Any]) -> str:
    """Under what the cursors of a list are kept: they hold for the same order."""
    return f"{name} {literal(given.get('sort', []))}"
