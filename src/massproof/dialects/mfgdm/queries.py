"""GraphQL: a text becomes a document that is limited, validated and costed once, then executed as often as it comes.

What a query may ask is bounded before anything is validated, since validation is quadratic in equal fields, and
before anything is executed, since fragments multiply. Source: GraphQL, October 2021, sections 5 and 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple, NoReturn

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from massproof.errors import MassproofError

TEXT, TOKENS, DEPTH, ALIASES, FIELDS, POINTS = 20_000, 1000, 15, 50, 200, 1000
_KEPT = 128  # documents; a client has a few dozen texts, each of at most half a megabyte as a document
# Points of a field: one, and of those that start work or read a whole file ten.
_DEAR = frozenset(
    ("physicalProperties", "thumbnail", "derivatives", "occurrences", "allOccurrences", "whereUsed")
) | {"assemblyRelations", "uniqueAssemblyRelations", "bomRelations", "componentsByHub"}
_WORDS = (
    "enum PhysicalPropertyStatusEnum",
    "{\n  IN_PROGRESS\n  PENDING\n  FAILED\n  TIMEOUT\n  SUCCESS\n}",
)


class Refused(GraphQLError):
    """What the service refuses, in its own words: a code of `extensions` and a message."""

    def __init__(self, code: str, message: str, kind: str = "VALIDATION") -> None:
        super().__init__(message, extensions={"code": code, "errorType": kind})


def refuse(code: str, message: str, kind: str = "VALIDATION") -> NoReturn:
    """Raise Refused."""
    raise Refused(code, message, kind)


def missing(what: str, id: str) -> NoReturn:
    """Raise Refused for an id that names nothing."""
    refuse("NOT_FOUND", f"Requested resource not found: there is no {what} {id[:200]!r}", "UNKNOWN")


def wrong(message: str) -> NoReturn:
    """Raise Refused for arguments that mean nothing."""
    refuse("BAD_USER_INPUT", message)


@cache
def schema(version: str, seed: bool = False) -> GraphQLSchema:
    """The schema of "v2" or "v3"; with `seed` statuses of physical properties are those of the tutorial."""
    text = (files(__package__) / f"schema-{version}.graphql").read_text(encoding="utf-8")
    if seed:
        start = text.index(_WORDS[0]) + len(_WORDS[0]) + 1
        text = text[:start] + _WORDS[1] + text[text.index("}", start) + 1 :]
    return build_schema(text)


class Prepared(NamedTuple):
    """A text, ready to be executed, or what is wrong with it."""

    document: DocumentNode | None
    errors: tuple[dict[str, Any], ...]
    points: int


class Engine:
    """Prepares and executes the queries of one schema."""

    def __init__(self, schema: GraphQLSchema, root: Any, introspection: bool = True) -> None:
        """`root` has a method for each field of Query and Mutation."""
        self.schema, self._root, self._introspection = schema, root, introspection
        self.prepare = lru_cache(_KEPT)(self._prepare)

    def _prepare(self, text: str, name: str | None) -> Prepared:
        try:
            document = _parsed(text)
            points = _points(document, name)
            if not self._introspection:
                _no_introspection(document)
            found: Iterable[GraphQLError] = validate(self.schema, document, max_errors=20)
            code = "GRAPHQL_VALIDATION_FAILED"
        except RecursionError:
            found = [Refused("BAD_USER_INPUT", f"the query is nested deeper than {DEPTH} fields")]
        except Refused as error:
            found = [error]
        except GraphQLError as error:
            found, code = [error], "GRAPHQL_PARSE_FAILED"
        errors = tuple(_coded(error, "" if isinstance(error, Refused) else code) for error in found)
        return Prepared(None, errors, 0) if errors else Prepared(document, (), points)

    def execute(
        self, document: DocumentNode, name: str | None, variables: Mapping[str, Any], context: Any
    ) -> ExecutionResult:
        """The answer to a prepared query."""
        return execute_sync(
            self.schema,
            document,
            self._root,
            context,
            dict(variables),
            name,
            type_resolver=_named,
        )


def _named(value: Any, *_: Any) -> str:
    name: str = value.typename
    return name


def _parsed(text: str) -> DocumentNode:
    if len(text) > TEXT:
        wrong(f"the query has {len(text)} characters; at most {TEXT} are read")
    return parse(text, max_tokens=TOKENS)


def _fields(node: Any) -> Iterator[FieldNode]:
    """Every field of a selection set as it is written, without what fragments spread."""
    waiting = [node]
    while waiting:
        inside = getattr(waiting.pop(), "selection_set", None)
        for one in inside.selections if inside else ():
            if isinstance(one, FieldNode):
                yield one
            if not isinstance(one, FragmentSpreadNode):
                waiting.append(one)


def _no_introspection(document: DocumentNode) -> None:
    for definition in document.definitions:
        for field in _fields(definition):
            if field.name.value in ("__schema", "__type"):
                wrong("introspection is switched off on this server")


def _points(document: DocumentNode, name: str | None) -> int:
    """What a document costs; raises Refused where it goes beyond a limit."""
    kinds = (OperationDefinitionNode, FragmentDefinitionNode)
    told = [one for one in document.definitions if isinstance(one, kinds)]
    fields = [field for one in told for field in _fields(one)]
    aliases = sum(field.alias is not None for field in fields)
    for count, most, what in ((len(fields), FIELDS, "fields"), (aliases, ALIASES, "aliases")):
        if count > most:
            wrong(f"the query has {count} {what}; at most {most} are answered")
    weigher = _Weigher({one.name.value: one for one in told if isinstance(one, FragmentDefinitionNode)})
    operations = [one for one in told if isinstance(one, OperationDefinitionNode)]
    asked = [one for one in operations if one.name and one.name.value == name] or operations
    weights = [weigher.weight(one.selection_set) for one in asked] or [(0, 0)]
    depth, points = max(deep for deep, _ in weights), max(more for _, more in weights)
    if depth > DEPTH:
        wrong(f"the query is nested {depth} fields deep; at most {DEPTH} are answered")
    if points > POINTS:
        wrong(f"the query costs {points} points; at most {POINTS} are answered: ask for less, or in parts")
    return points


class _Weigher:
    """Depth and points of selections, each fragment weighed once however often it is spread."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments, self._known = fragments, dict[str, tuple[int, int]]()
        self._open: list[str] = []

    def weight(self, selections: SelectionSetNode | None) -> tuple[int, int]:
        """(depth, points) of what is selected, everything spread out."""
        depth = points = 0
        for one in selections.selections if selections else ():
            if isinstance(one, FragmentSpreadNode):
                deep, more = self._spread(one.name.value)
            else:
                deep, more = self.weight(one.selection_set)  # type: ignore[attr-defined]
                if isinstance(one, FieldNode):
                    deep, more = deep + 1, more + (10 if one.name.value in _DEAR else 1)
            depth, points = max(depth, deep), points + more
        return depth, points

    def _spread(self, name: str) -> tuple[int, int]:
        if name in self._open:
            wrong(f"the fragment {name} spreads itself: {' → '.join([*self._open, name])}")
        if name not in self._known:
            self._open.append(name)
            fragment = self._fragments.get(name)  # one that there is not is an error of validation
            self._known[name] = self.weight(fragment.selection_set) if fragment else (0, 0)
            self._open.pop()
        return self._known[name]


def _coded(error: GraphQLError, code: str) -> dict[str, Any]:
    told = dict(error.formatted)
    told["extensions"] = {"code": code, "errorType": "VALIDATION", **(error.extensions or {})}
    return told


def told(error: GraphQLError) -> dict[str, Any]:
    """An error of execution as a response holds it; what broke inside says so and nothing else."""
    cause = error.original_error
    if isinstance(cause, MassproofError):
        return {**error.formatted, "extensions": {"code": "BAD_USER_INPUT", "errorType": cause.kind}}
    if error.extensions:
        return dict(error.formatted)
    if cause is None or isinstance(cause, GraphQLError):  # variables that do not fit, or no such operation
        return _coded(error, "BAD_USER_INPUT")
    shown = dict(error.formatted) | {"extensions": {"code": "INTERNAL_SERVER_ERROR", "errorType": "UNKNOWN"}}
    if isinstance(cause, TypeError) and str(cause).startswith("Cannot return null"):
        return shown
    return shown | {"message": f"this server made a mistake ({type(cause).__name__}); please report it"}
