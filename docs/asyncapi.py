"""The AsyncAPI 3 document: what travels under which topic, for whoever writes a client of another make."""

import json
from typing import Any, NamedTuple

from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from vedette_schemas import (
    VERSION,
    Ack,
    Act,
    ActAnswer,
    Alert,
    Command,
    Kind,
    Message,
    Principal,
    Program,
    Report,
    Severity,
    Status,
    topics,
)

DRAFT_7 = "application/schema+json;version=draft-07"
SIGNED = "application/jose"
_SENSOR = Principal(Program.SENSOR, "host-7")


class Channel(NamedTuple):
    """A topic with its parameters, who sends under it to whom, and what; `signed` as a JWS of that."""

    name: str
    address: str
    sender: str
    receiver: str
    messages: tuple[type[Message], ...]
    signed: bool = False


CHANNELS = (
    Channel(
        "reports",
        topics.EVERY_REPORT.replace("+", "{}").format("{shard}", "{principal}", "{kind}"),
        "sensor, enforcer",
        "analyzer",
        (Report,),
    ),
    Channel("acks", topics.ack(_SENSOR), "analyzer", "sensor, enforcer, console, operator", (Ack, ActAnswer)),
    Channel("commands", topics.command(_SENSOR), "analyzer", "enforcer", (Command,), signed=True),
    Channel("acts", topics.act(_SENSOR), "console, operator", "analyzer", (Act,), signed=True),
    Channel(
        "statuses", topics.status(_SENSOR), "each about itself", "analyzer, console, operator", (Status,)
    ),
    Channel("alerts", f"{topics.ALERTS}{{severity}}/{{host}}", "analyzer", "console, operator", (Alert,)),
)
INFO = {
    "title": "Vedette",
    "version": str(VERSION),
    "description": "Nothing is retained. MQTT 3.1.1 over TLS with client certificates; a principal writes"
    " only below its own name. Signed payloads are a compact JWS (EdDSA) whose header carries the signer's"
    " certificate (x5c); its payload is the JSON described here.",
    "license": {"name": "Apache-2.0"},
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "shard": {"description": f"crc32 of the host's name modulo {topics.SHARDS}, two digits."},
    "principal": {
        "description": "`<program>@<host>`: the common name of a client certificate, and its MQTT client id.",
        "examples": [str(_SENSOR)],
    },
    "kind": {"description": "The kind of the observations.", "enum": [str(kind) for kind in Kind]},
    "severity": {"description": "How much it matters.", "enum": [str(severity) for severity in Severity]},
    "host": {"description": "The host that it is about; `0` is the server itself.", "examples": ["host-7"]},
}


def document() -> str:
    """Return the document as JSON."""
    models = dict.fromkeys(message for channel in CHANNELS for message in channel.messages)
    _, schemas = models_json_schema(
        [(model, "serialization") for model in models],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Draft7,
    )
    operations = [pair for channel in CHANNELS for pair in _operations(channel).items()]
    page = {
        "asyncapi": "3.0.0",
        "info": INFO,
        "defaultContentType": "application/json",
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": dict(operations),
        "components": {"schemas": schemas["$defs"], "messages": _messages()},
    }
    return json.dumps(page, indent=1) + "\n"


class _Draft7(GenerateJsonSchema):
    """pydantic's JSON Schema in the words of draft 7, which AsyncAPI reads."""

    def tuple_schema(self, schema: Any) -> dict[str, Any]:
        written = super().tuple_schema(schema)
        if "prefixItems" in written:
            written["items"] = written.pop("prefixItems")
        return written

    def tagged_union_schema(self, schema: Any) -> dict[str, Any]:
        written = super().tagged_union_schema(schema)
        written.pop("discriminator", None)  # a string in AsyncAPI; each branch names its kind as a constant
        return written


def _channel(channel: Channel) -> dict[str, Any]:
    address = channel.address.replace(str(_SENSOR), "{principal}")
    return {
        "address": address,
        "description": f"From {channel.sender} to {channel.receiver}.",
        "messages": {
            message.__name__: {"$ref": f"#/components/messages/{message.__name__}"}
            for message in channel.messages
        },
        "parameters": {name: value for name, value in PARAMETERS.items() if f"{{{name}}}" in address},
    }


def _operations(channel: Channel) -> dict[str, Any]:
    reference = {"$ref": f"#/channels/{channel.name}"}
    return {
        f"send-{channel.name}": {"action": "send", "channel": reference, "summary": f"By {channel.sender}."},
        f"receive-{channel.name}": {
            "action": "receive",
            "channel": reference,
            "summary": f"By {channel.receiver}.",
        },
    }


def _messages() -> dict[str, Any]:
    return {
        message.__name__: {
            "name": message.__name__,
            "summary": (message.__doc__ or "").partition("\n")[0],
            "contentType": SIGNED if channel.signed else "application/json",
            "payload": {
                "schemaFormat": DRAFT_7,
                "schema": {"$ref": f"#/components/schemas/{message.__name__}"},
            },
        }
        for channel in CHANNELS
        for message in channel.messages
    }
