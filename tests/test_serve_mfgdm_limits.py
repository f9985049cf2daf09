"""Queries that ask too much, and every query that there may be: an answer or a clear refusal, never a mistake."""

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mfgdm_makers import cloud, hub

from massproof.dialects.mfgdm import queries, v2

HUB = 'hub(hubId: "x")'


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    data = Path(__file__).parent.parent / "data"
    folder = tmp_path_factory.mktemp("limits")
    files = {
        "P/box.stl": (data / "box.stl").read_bytes(),
        "P/In/torus.step": (data / "torus_stated.step").read_bytes(),
        "P/broken.obj": b"f 1 2 3",
    }
    with cloud(folder / "data", hub(folder / "hub", files), job_seconds=5.0) as made:
        yield made


def deep(levels):
    """A query of so many fields in each other."""
    inner = "id"
    for _ in range(levels - 2):
        inner = f"parentFolder {{ {inner} }}"
    return f'{{ folder(projectId: "x", folderId: "x") {{ {inner} }} }}'


def bomb(levels, width=2):
    """Fragments that spread each the next so often."""
    texts = [
        f"fragment f{k} on Hub {{ {' '.join(f'...f{k + 1}' for _ in range(width))} }}" for k in range(levels)
    ]
    return f"{{ {HUB} {{ ...f0 }} }} {' '.join(texts)} fragment f{levels} on Hub {{ id name }}"


ATTACKS = {
    "aliases": ("{ " + " ".join(f"a{k}: {HUB} {{ id }}" for k in range(51)) + " }", "51 aliases; at most 50"),
    "fields": ("{ " + f"{HUB} {{ id }} " * 101 + "}", "202 fields; at most 200"),
    "depth": (deep(16), "16 fields deep; at most 15"),
    "nesting": ("{a" * 490 + "}" * 490, "nested"),
    "lists": ("{ hub(hubId: " + "[" * 490 + "]" * 490 + ") { id } }", "nested"),
    "tokens": ("{ " + "id " * 1001 + "}", "1000 tokens"),
    "text": ("{ __typename }" + " " * 20_000, "20014 characters; at most 20000"),
    "comments": ("{ __typename }" + "#\n" * 10_001, "characters; at most 20000"),
    "cycle": (f"{{ {HUB} {{ ...a }} }} fragment a on Hub {{ ...b }} fragment b on Hub {{ ...a }}", "spreads itself: a → b → a"),
    "own cycle": (f"{{ {HUB} {{ ...a }} }} fragment a on Hub {{ projects {{ results {{ hub {{ ...a }} }} }} }}", "spreads itself: a → a"),
    "bomb": (bomb(60), "points; at most 1000"),
    "wide bomb": (bomb(20, 10), "points; at most 1000"),
    "dear": ("{ " + " ".join(f'a{k}: componentVersion(componentVersionId: "{k}") {{ ...dear }}' for k in range(50)) + " } fragment dear on ComponentVersion { physicalProperties { status } thumbnail { status } }", "costs 1150 points; at most 1000"),
    "introspection": ("{ __schema { types { fields { type { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } } } } } } } } } } }", "16 fields deep"),
    "definitions": ("type Query { x: Int }", "not executable"),
    "subscription": ("subscription { hubs { results { id } } }", "subscription"),
    "deferred": ("{ ... @defer { hubs { results { id } } } }", "defer"),
    "garbage": ("\x00{", "Syntax Error"),
    "unknown fragment": (f"{{ {HUB} {{ ...nobody }} }}", "nobody"),
    "variables": ("query(" + " ".join(f"$v{k}: ID" for k in range(300)) + ") { __typename }", "tokens"),
    "directives": ("{ __typename " + "@skip(if: true) " * 150 + "}", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("api", ["v2", "v3"])
def test_queries_that_ask_too_much_are_refused_soon(served, name, api):
    query, words = ATTACKS[name]
    query = (
        query.replace("componentVersion(componentVersionId:", "model(modelId:").replace(
            "on ComponentVersion", "on Model"
        )
        if api == "v3"
        else query
    )
    start = time.process_time()
    answer = served.post(query, api=api)
    told = answer.json()

    assert answer.status_code == 400, answer.text[:300]
    assert "data" not in told
    assert any(words in one["message"] for one in told["errors"]), told["errors"][:2]
    assert {one["extensions"]["code"] for one in told["errors"]} <= {
        "BAD_USER_INPUT",
        "GRAPHQL_VALIDATION_FAILED",
        "GRAPHQL_PARSE_FAILED",
    }
    assert time.process_time() - start < 2


def test_what_is_just_within_the_limits_is_answered(served):
    for query in (
        ATTACKS["aliases"][0].replace(f"a50: {HUB} {{ id }}", ""),
        "{ " + f"{HUB} {{ id }} " * 100 + "}",
        deep(15),
        "{ __typename " + " " * 19_985 + "}",
    ):
        answer = served.post(query)
        assert answer.status_code == 200, answer.text[:300]


def test_a_text_is_prepared_once_for_each_operation_in_it(served):
    engine = queries.Engine(queries.schema("v2"), v2.Root())
    text = f"query A {{ {HUB} {{ id }} }} query B {{ a: {HUB} {{ id }} b: {HUB} {{ id name }} }}"
    a, b, both = engine.prepare(text, "A"), engine.prepare(text, "B"), engine.prepare(text, None)

    assert engine.prepare(text, "A") is a
    assert (a.points, b.points, both.points) == (2, 5, 5)
    assert engine.prepare("fragment a on Hub { id }", None).errors
    for k in range(130):
        engine.prepare(f"{{ __typename }} # {k}", None)
    assert engine.prepare(text, "A") is not a


SCHEMAS = {api: queries.schema(api) for api in ("v2", "v3")}


def literals(type):
    """Texts of values of an input type."""
    from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull

    if isinstance(type, GraphQLNonNull):
        return literals(type.of_type)
    if isinstance(type, GraphQLList):
        return st.lists(literals(type.of_type), max_size=2).map(lambda found: "[" + ", ".join(found) + "]")
    if isinstance(type, GraphQLEnumType):
        return st.sampled_from(list(type.values))
    if isinstance(type, GraphQLInputObjectType):
        fields = [fields_of(name, one.type) for name, one in type.fields.items()]
        return st.tuples(*fields).map(lambda found: "{" + ", ".join(filter(None, found)) + "}")
    return {
        "ID": st.sampled_from(['"HUB"', '"PROJECT"', '"ITEM"', '"ROOT"', '"x"', "7"]),
        "Int": st.integers(-1, 101).map(str),
        "Boolean": st.sampled_from(["true", "false"]),
        "String": st.sampled_from(['"box.stl"', '""', '"Lg"', '"hub"']),
        "DateTime": st.sampled_from(
            [
                '"2024-01-01T00:00:00Z"',
                '"2024-01-01"',
                '"never"',
                "5",
                '"9999-12-31T23:59:59+00:00"',
                '"0001-01-01T00:00:00+23:59"',
            ]
        ),
    }.get(type.name, st.sampled_from(["1", "2.5", '"text"', "true", "[1]", "{a: 1}"]))


def fields_of(name, type):
    from graphql import GraphQLNonNull

    written = literals(type).map(lambda text: f"{name}: {text}")
    return (
        written
        if isinstance(type, GraphQLNonNull)
        else st.one_of(st.just(""), written, st.just(f"{name}: null"))
    )


def selections(schema, type, depth):
    """Texts of selections of a type."""
    from graphql import is_interface_type, is_leaf_type

    names = [name for name, one in type.fields.items() if depth > 0 or is_leaf_type(bare(one.type))]

    @st.composite
    def chosen(draw):
        found = ["__typename"]
        for name in draw(st.lists(st.sampled_from(names), max_size=3, unique=True)) if names else ():
            one = type.fields[name]
            told = [draw(fields_of(k, v.type)) for k, v in one.args.items()]
            arguments = f"({', '.join(filter(None, told))})" if any(told) else ""
            inner = (
                "" if is_leaf_type(bare(one.type)) else draw(selections(schema, bare(one.type), depth - 1))
            )
            found.append(f"a{len(found)}: {name}{arguments} {inner}")
        if is_interface_type(type) and depth > 0:
            design = schema.type_map["DesignItem"]
            if design in schema.get_possible_types(type):
                found.append(f"... on DesignItem {draw(selections(schema, design, depth - 1))}")
        return "{ " + " ".join(found) + " }"

    return chosen()


def bare(type):
    while hasattr(type, "of_type"):
        type = type.of_type
    return type


@st.composite
def questions(draw, api):
    schema = SCHEMAS[api]
    kind = draw(
        st.sampled_from(["query", "query", "query", "mutation"] if schema.mutation_type else ["query"])
    )
    type = schema.mutation_type if kind == "mutation" else schema.query_type
    return f"{kind} {draw(selections(schema, type, 6))}"


@pytest.fixture(scope="module")
def known(served):
    """Ids of things that there are, for each API, in place of the words of the generator."""
    found = {}
    for api, root in (("v2", "tipRootComponentVersion"), ("v3", "tipRootModel")):
        of_hub = served.hub("hub", api)
        item, own = served.items(of_hub, api, root)["box.stl"]
        project = served.ask("query($h: ID!) { projects(hubId: $h) { results { id } } }", api, h=of_hub)[
            "projects"
        ]["results"][0]["id"]
        found[api] = {
            '"HUB"': f'"{of_hub}"',
            '"PROJECT"': f'"{project}"',
            '"ITEM"': f'"{item}"',
            '"ROOT"': f'"{own}"',
        }
    return found


@pytest.mark.parametrize("api", ["v2", "v3"])
def test_any_valid_query_is_answered_or_refused_for_a_reason(served, known, api):
    @settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(questions(api))
    def holds(query):
        for word, id in known[api].items():
            query = query.replace(word, id)
        answer = served.post(query, api=api)
        told = answer.json()
        assert answer.status_code in (200, 400), answer.text
        for error in told.get("errors", ()):
            assert error["extensions"]["code"] in (
                "NOT_FOUND",
                "BAD_USER_INPUT",
                "UNPROCESSABLE",
                "GRAPHQL_VALIDATION_FAILED",
            ), (query, error)

    holds()


def test_a_parser_that_runs_out_of_stack_is_a_refusal(monkeypatch):
    def deep(*given, **options):
        raise RecursionError

    monkeypatch.setattr(queries, "parse", deep)
    (error,) = queries.Engine(SCHEMAS["v2"], v2.Root()).prepare("{ __typename }", None).errors

    assert (error["extensions"]["code"], error["message"]) == (
        "BAD_USER_INPUT",
        "the query is nested deeper than 15 fields",
    )
