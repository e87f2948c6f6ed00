"""The chat template as Ollama reads it: a Go template, translated from the Jinja one that training used.

So both have one source. The translation knows what that template is made of: a loop over messages, a condition on the
loop's first turn or on a role, text, roles and contents; anything else is refused rather than guessed.
"""

import re
from typing import TYPE_CHECKING, Final

from schemas.errors import ModelError

if TYPE_CHECKING:
    from jinja2 import nodes

_GENERATION: Final = re.compile(r"\{%(-?)\s*(?:end)?generation\s*(-?)%\}")
#: What Ollama calls them.
_FIELDS: Final = {"role": ".Role", "content": ".Content"}


def served_template(jinja: str) -> str:
    """The template without its `generation` blocks, which mark what is trained on and which servers do not know."""
    return _GENERATION.sub(r"{#\1 \2#}", jinja)


def go_template(jinja: str) -> str:
    r"""Translate a chat template to Go's, as `TEMPLATE` of a Modelfile.

    Args:
        jinja: over `messages` and `add_generation_prompt`, which Ollama always wants.

    Raises:
        ModelError: the template holds what has no translation here.

    >>> go_template("{% for message in messages %}<{{ message['role'] }}>{% endfor %}")
    '{{- range $place, $message := .Messages }}<{{ .Role }}>{{ end }}'
    """
    from jinja2 import Environment

    return _all(Environment(autoescape=True).parse(served_template(jinja)).body)


def _all(parts: "list[nodes.Node]") -> str:
    return "".join(_part(part) for part in parts)


def _part(node: "nodes.Node") -> str:
    from jinja2 import nodes

    match node:
        case nodes.Output():
            return "".join(_shown(each) for each in node.nodes)
        case nodes.For(target=nodes.Name(), iter=nodes.Name(name="messages")):
            return "{{- range $place, $message := .Messages }}" + _all(node.body) + "{{ end }}"
        case nodes.If(test=nodes.Name(name="add_generation_prompt")):
            return _all(node.body)
        case nodes.If():
            otherwise = "{{ else }}" + _all(node.else_) if node.else_ else ""
            return "{{ if " + _condition(node.test) + " }}" + _all(node.body) + otherwise + "{{ end }}"
    raise _unknown(node)


def _condition(node: "nodes.Node") -> str:
    from jinja2 import nodes

    match node:
        case nodes.Not(node=nodes.Getattr(node=nodes.Name(name="loop"), attr="first")):
            return "$place"
        case nodes.Compare(expr=left, ops=[nodes.Operand(op="eq", expr=nodes.Const(value=str() as value))]):
            return f"eq {_field(left)} {_quoted(value)}"
    raise _unknown(node)


def _shown(node: "nodes.Node") -> str:
    from jinja2 import nodes

    match node:
        case nodes.TemplateData(data=text) | nodes.Const(value=str() as text):
            # Ends of lines as constants: nothing that edits or trims the file can lose them.
            return "{{ " + _quoted(text) + " }}" if "{{" in text or "\n" in text else text
        case nodes.Add(left=left, right=right):
            return _shown(left) + _shown(right)
        case nodes.Concat():
            return "".join(_shown(each) for each in node.nodes)
    return "{{ " + _field(node) + " }}"


def _field(node: "nodes.Node") -> str:
    from jinja2 import nodes

    match node:
        case nodes.Getitem(node=nodes.Name(), arg=nodes.Const(value=name)) if name in _FIELDS:
            return _FIELDS[name]
        case nodes.Getattr(node=nodes.Name(), attr=name) if name in _FIELDS:
            return _FIELDS[name]
    raise _unknown(node)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'


def _unknown(node: "nodes.Node") -> ModelError:
    return ModelError(
        f"Line {node.lineno} of the chat template holds a {type(node).__name__} that has no translation to Go here.",
        valid="A loop over messages, conditions on loop.first and roles, text, roles and contents.",
        next_step="Teach it to train/export/go_template.py, whose test compares both templates.",
    )
