"""What `python -m graph trust` does: makes a manifest of documents in files."""

import json
from collections.abc import Iterable
from pathlib import Path

import click
from graphql import GraphQLError, parse, validate

from graph.trusted import sha256
from schema import schema
from schema.kit.documents import RULES


def write_manifest(places: Iterable[Path], output: Path) -> None:
    """Lists the text of each file, and of each .graphql file in a folder; each has to be valid for this schema."""
    files = [
        file for place in places for file in (sorted(place.rglob("*.graphql")) if place.is_dir() else [place])
    ]
    if not files:
        raise click.ClickException("There is no .graphql file.")
    documents = {}
    for file in files:
        text = file.read_text()
        try:
            wrong = validate(schema._schema, parse(text), RULES)
        except GraphQLError as error:
            wrong = [error]
        if wrong:
            raise click.ClickException(f"{file}: {wrong[0].message}")
        documents[sha256(text)] = text
    output.write_text(json.dumps(documents, indent=2, ensure_ascii=False) + "\n")
    click.echo(f"Documents in {output}: {len(documents)}")
