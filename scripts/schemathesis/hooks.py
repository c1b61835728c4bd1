"""What no schema can say of a request that is meant to be right, and of how one is refused."""

import re
import uuid

import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection

# Codes that say a value has the wrong form. What fits the document is never refused with one of them.
OF_FORM = {
    "invalid_boolean",
    "invalid_characters",
    "invalid_email",
    "invalid_enum",
    "invalid_type",
    "invalid_value",
    "malformed_json",
    "too_short",
    "unknown_field",
    "unknown_parameter",
    "unsupported_media_type",
}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Leaves out what only the server can make; keys are new each time."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # A cursor or a token is one that was answered; a tag is the resource's own.
    for name in ("cursor", "since", "preview"):
        case.query.pop(name, None)
    for name in [name for name in case.headers if name.lower() == "if-match"]:
        case.headers.pop(name)
    for name in [name for name in case.headers if name.lower() == "idempotency-key"]:
        case.headers[name] = str(uuid.uuid4())


@schemathesis.check
def refused_for_its_form(context, response, case):
    """What fits the document may be refused for what it means, and not for how it is written."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 415, 422):
        return
    problem = response.json()
    codes = {problem["code"], *(error["code"] for error in problem["errors"])}
    assert not codes & OF_FORM, f"it fits the document, and was refused: {problem}"


@schemathesis.check
def refused_where_it_does_not_fit(context, response, case):
    """As schemathesis's own check, but for conditions: a tag that fits nothing is not met (412), and no match is an answer.

    What has moved (308) is told before anything else is looked at."""
    if response.status_code in (308, 412):
        return None
    for name, value in case.headers.items():
        if name.lower() == "if-none-match" and not re.fullmatch(r"[^\x00-\x1f\x7f]{0,1000}", str(value)):
            return None
    return negative_data_rejection(context, response, case)
