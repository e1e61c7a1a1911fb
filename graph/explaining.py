"""What is wrong with an environment, for the person who starts the server."""

import re
from collections.abc import Container, Mapping

from pydantic import ValidationError


def explain(error: ValidationError, environment: Mapping[str, str], unshown: Container[str]) -> str:
    """One line for each bad variable, with its value unless that may hold a secret."""
    lines = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        if problem["type"] == "default_factory_not_called":
            continue  # a consequence of another line
        name = str(problem["loc"][0])
        message = re.sub(r"^Value error, |^Input (?=should)", "", problem["msg"])
        value = environment.get(name.upper())
        shown = f" (it is {value!r})" if value and name not in unshown else ""
        lines.append(f"{name.upper()}: {message}{shown}")
    return "\n  ".join(["Switchboard cannot start, the environment is wrong:", *dict.fromkeys(lines)])
