"""Templates and static files. Whatever a template is given is escaped, and a name that is missing is an error."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from octavo.interpret.visible import running, visible
from octavo.terminal import capitalized, counted


def render(template: str, **values: object) -> Markup:
    """A file of ``templates/`` with its values filled in.

    Data for a script is written as ``{{ data | tojson }}``, which escapes <, >, & and all but ASCII.
    """
    return Markup(_environment().get_template(template).render(values))  # escaped by the environment


def static(name: str) -> str:
    """The text of a file of ``static/``."""
    return (files("octavo.pages") / "static" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("octavo.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"running": running, "visible": visible}  # {{ label | visible }}
    environment.filters["capitalized"] = capitalized
    environment.filters["counted"] = counted  # {{ 3 | counted("token") }}
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment
