"""The interface as OpenAPI 3.1 describes it, from the same definitions that the routes read their options by."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from colorizer import __version__
from colorizer.settings import MOST_LOOKS
from colorizer.web import query
from colorizer.web.coloring import MEDIA_TYPES
from colorizer.web.limits import MAX_JSON, Limits
from colorizer.web.problems import MEDIA_TYPE as PROBLEM_TYPE
from colorizer.web.query import Parameter

_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "description": "Of the picture."}

_PROBLEMS = {
    "400": "an option is unknown, given twice, or out of its range",
    "401": "a token is needed",
    "403": "a foreign host name or origin",
    "404": "no such picture",
    "405": "no such method",
    "408": "the upload was too slow",
    "409": "not ready yet, failed, or the model is not installed",
    "413": "too many bytes or pixels",
    "415": "no picture of a known format, or a compressed upload",
    "422": "a damaged picture, or one that the format cannot hold",
    "429": "too many are waiting; Retry-After says when to come back",
    "500": "an error of ours",
    "503": "waited too long",
    "507": "the disk is full",
}

_HINTS_BODY = {
    "required": True,
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Hints"}}},
}

_SIZES = f"^(auto|[0-9]{{1,4}}(,[0-9]{{1,4}}){{0,{MOST_LOOKS - 1}}})$"

_ALWAYS = ("400", "401", "403", "500")
_UPLOAD = ("408", "409", "413", "415", "429", "507")


def description(limits: Limits) -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "colorize",
            "version": __version__,
            "summary": "Colour for black-and-white photographs, on your own machine",
            "description": (
                f"Uploads of at most {limits.max_upload} bytes and {limits.max_pixels} pixels; {limits.max_waiting} "
                "may wait. Errors are application/problem+json. Options that are unknown or given twice are errors."
            ),
            "license": {"name": "BSD-2-Clause", "identifier": "BSD-2-Clause"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}, {"cookie": []}],
        "paths": _paths(limits),
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "colorize-PORT"},
            },
            "responses": {
                status: {
                    "description": text,
                    "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
                for status, text in _PROBLEMS.items()
            },
        },
    }


def _paths(limits: Limits) -> dict[str, Any]:
    picture = {"202": _json("Picture", "Taken on; Location names the picture.")}
    result = {"200": {"description": "The coloured file.", "content": {kind: {} for kind in MEDIA_TYPES.values()}}}
    jpeg = {"200": {"description": "A JPEG file.", "content": {"image/jpeg": {}}}}
    png = {"200": {"description": "A PNG file.", "content": {"image/png": {}}}}
    return {
        "/": {"get": _operation("page", "The page.", _page(), ("404",), [query.TOKEN])},
        "/docs": {"get": _operation("docs", "This documentation, to read.", _page(), ("404",))},
        "/favicon.ico": {"get": _operation("icon", "The page's icon.", _page("image/vnd.microsoft.icon"), ("404",))},
        "/offline.js": {
            "get": _operation("offline", "What keeps the page's own files.", _page("text/javascript"), ("404",))
        },
        "/page/{file}": {
            "get": _operation("asset", "A file of the page.", _page("*/*"), ("404",), path=_ID | {"name": "file"})
        },
        "/api/health": {"get": _operation("health", "Whether it runs, and how busy it is.", _ok("Health"))},
        "/api/models": {"get": _operation("models", "The networks that may be named.", _ok("Models"))},
        "/api/models/{name}/download": {
            "post": _operation(
                "downloadModel",
                "Have a network downloaded; from the server's own machine alone. /api/models tells how far it is.",
                {"202": _json("Download", "It is under way.")},
                ("403", "404", "409"),
                path=_ID | {"name": "name"},
            )
        },
        "/api/openapi.json": {
            "get": _operation(
                "openapi",
                "This document.",
                {"200": {"description": "OpenAPI 3.1.", "content": {"application/json": {}}}},
            )
        },
        "/api/colorize": {
            "post": _operation(
                "colorize",
                "Colour a picture: the very bytes that the command writes.",
                result,
                (*_UPLOAD, "422", "503"),
                query.COLORIZE,
                body=_upload(limits),
            )
        },
        "/api/pictures": {
            "post": _operation(
                "addPicture",
                "Have a picture coloured, to look at it.",
                picture,
                _UPLOAD,
                query.ADD,
                body=_upload(limits),
            )
        },
        "/api/pictures/{id}": {
            "get": _operation(
                "watchPicture",
                "How a picture stands, now or when that changes.",
                _ok("Picture"),
                ("404",),
                query.WATCH,
                path=_ID,
            ),
            "delete": _operation(
                "deletePicture", "Delete a picture.", {"204": {"description": "Done."}}, ("404",), path=_ID
            ),
        },
        "/api/pictures/{id}/before": {
            "get": _operation(
                "before", "The picture as it came.", jpeg, ("404", "409", "429", "503"), query.BEFORE, path=_ID
            )
        },
        "/api/pictures/{id}/after": {
            "get": _operation(
                "after",
                "The picture in colour, rendered without another pass of the network.",
                jpeg,
                ("404", "409", "429", "503"),
                query.AFTER,
                path=_ID,
            ),
            "post": _operation(
                "tryHints",
                "The same by a hints file that is tried and not kept, as while a hint is dragged.",
                jpeg,
                ("404", "408", "409", "413", "415", "422", "429", "503"),
                query.AFTER,
                path=_ID,
                body=_HINTS_BODY,
            ),
        },
        "/api/pictures/{id}/references": {
            "post": _operation(
                "addReference",
                "Send a picture in colour that hints may name as a reference; in place of one of its name.",
                {"201": _json("Reference", "Taken; how hints name it.")},
                ("404", "422", "503", *_UPLOAD),
                (query.NAME,),
                path=_ID,
                body=_upload(limits),
            )
        },
        "/api/pictures/{id}/hints": {
            "get": _operation(
                "hints",
                "What is said of the picture's colours, as a hints file.",
                _ok("Hints"),
                ("404", "409"),
                path=_ID,
            ),
            "put": _operation(
                "setHints",
                "Say the picture's colours, by a hints file (docs/guidance.md), whose references were sent before; "
                "what was said before is replaced.",
                {"200": _json("Remarks", "Taken; with what is to be said of them.")},
                ("404", "408", "409", "413", "415", "422", "429", "503"),
                path=_ID,
                body=_HINTS_BODY,
            ),
            "delete": _operation(
                "deleteHints", "Say nothing.", {"204": {"description": "Done."}}, ("404", "409"), path=_ID
            ),
        },
        "/api/pictures/{id}/swatches": {
            "get": _operation(
                "swatches",
                "Colours to choose from at a place: what is possible, grey, the present one, those used.",
                _ok("Swatches"),
                ("404", "409", "429", "503"),
                query.SWATCHES,
                path=_ID,
            )
        },
        "/api/pictures/{id}/variants": {
            "get": _operation(
                "variants",
                "Proposals that differ where the network doubts, each as a hints file.",
                _ok("Variants"),
                ("404", "409", "429", "503"),
                query.VARIANTS,
                path=_ID,
            )
        },
        "/api/pictures/{id}/before/tile": {
            "get": _operation(
                "beforeTile",
                "A piece of the picture as it came, at full size.",
                png,
                ("404", "409", "429", "503"),
                query.TILE_BEFORE,
                path=_ID,
            )
        },
        "/api/pictures/{id}/after/tile": {
            "get": _operation(
                "afterTile",
                "A piece of the picture in colour, at full size.",
                png,
                ("404", "409", "429", "503"),
                query.TILE_AFTER,
                path=_ID,
            )
        },
        "/api/pictures/{id}/result": {
            "get": _operation(
                "result",
                "The coloured file: the very bytes that the command writes.",
                result,
                ("404", "409", "413", "422", "429", "503"),
                query.RESULT,
                path=_ID,
            )
        },
        "/api/pictures/{id}/model": {
            "post": _operation(
                "recolorPicture",
                "Colour a picture again, by another model or with other detail.",
                picture,
                ("404", "409", "429"),
                query.RECOLOR,
                path=_ID,
            )
        },
        "/api/zip": {
            "post": _operation(
                "zip",
                "Coloured files of many pictures; one that fails is a text that says why.",
                {"200": {"description": "The archive.", "content": {"application/zip": {}}}},
                ("404", "408", "409", "413", "415"),
                body={
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Zip"}}},
                },
            )
        },
    }


def _operation(
    name: str,
    summary: str,
    answers: dict[str, Any],
    problems: Iterable[str] = (),
    parameters: Iterable[Parameter] = (),
    *,
    path: dict[str, Any] | None = None,
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    listed = [*([path] if path else []), *map(_parameter, parameters)]
    refusals = {status: {"$ref": f"#/components/responses/{status}"} for status in sorted({*_ALWAYS, *problems})}
    operation: dict[str, Any] = {"operationId": name, "summary": summary, "responses": {**answers, **refusals}}
    return operation | ({"parameters": listed} if listed else {}) | ({"requestBody": body} if body else {})


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.option.help,
        "schema": _schema(parameter),
    }


def _schema(parameter: Parameter) -> dict[str, Any]:
    names = {str: "string", int: "integer", float: "number", bool: "boolean", tuple: "string"}
    schema: dict[str, Any] = {"type": names[parameter.kind]}
    option = parameter.option
    if parameter.kind is tuple:
        return schema | {"pattern": _SIZES, "default": parameter.default}
    if option.choices:
        schema["enum"] = list(option.choices)
    if math.isfinite(option.low):
        schema["minimum"] = option.low
    if math.isfinite(option.high):
        schema["maximum"] = option.high
    if parameter is query.HINTS:
        schema["maxLength"] = query.MAX_HINTS_LENGTH
    if parameter in (query.MODEL, query.NAME):
        schema["maxLength"] = query.MAX_NAME_LENGTH
    if parameter.default not in (None, ""):
        schema["default"] = parameter.default
    return schema


def _upload(limits: Limits) -> dict[str, Any]:
    form = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
    return {
        "required": True,
        "description": f"The picture's file, as it is or as a form's one file; at most {limits.max_upload} bytes.",
        "content": {"application/octet-stream": {}, "image/*": {}, "multipart/form-data": {"schema": form}},
    }


def _page(media_type: str = "text/html") -> dict[str, Any]:
    return {"200": {"description": "A file of the page.", "content": {media_type: {}}}}


def _ok(schema: str) -> dict[str, Any]:
    return {"200": _json(schema, "As it is now.")}


def _json(schema: str, text: str) -> dict[str, Any]:
    return {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


_TEXT, _WHOLE, _MAYBE = {"type": "string"}, {"type": "integer"}, {"type": ["integer", "null"]}

_SCHEMAS = {
    "Problem": _object(type=_TEXT, title=_TEXT, status=_WHOLE, detail=_TEXT),
    "Health": _object(
        status={"const": "ok"},
        version=_TEXT,
        waiting=_WHOLE,
        capacity=_WHOLE,
        limits=_object(bytes=_WHOLE, pixels=_WHOLE, pictures=_WHOLE),
    ),
    "Models": _object(
        default=_TEXT,
        models={
            "type": "array",
            "items": _object(
                name=_TEXT,
                title=_TEXT,
                installed={"type": "boolean"},
                temperature={"type": ["number", "null"], "description": "null: the network has no distribution."},
                looks=_WHOLE,
                how=_TEXT,
                size=_WHOLE,
                licence=_TEXT,
                goodFor=_TEXT,
                nonCommercial={"type": "boolean"},
                downloadable={"type": "boolean"},
                download={"anyOf": [{"$ref": "#/components/schemas/Download"}, {"type": "null"}]},
            ),
        },
    ),
    "Download": _object(state={"enum": ["running", "done", "failed"]}, received=_WHOLE, total=_WHOLE, problem=_TEXT),
    "Picture": _object(
        id=_TEXT,
        name=_TEXT,
        model=_TEXT,
        fast={"type": "boolean"},
        state={"enum": ["waiting", "working", "ready", "failed"]},
        position=_WHOLE,
        width=_MAYBE,
        height=_MAYBE,
        format={"type": ["string", "null"]},
        depth=_MAYBE,
        problem={"anyOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "null"}]},
        passes=_WHOLE,
        hints=_WHOLE,
    ),
    "Hints": {
        "type": "object",
        "description": f"A hints file, as colorizer/guidance/hints.schema.json has it; at most {MAX_JSON} bytes.",
        "required": ["version"],
        "properties": {
            "version": {"const": 1},
            "hints": {"type": "array"},
            "carry": {"type": "number"},
            "palette": {"type": "array", "items": _TEXT},
            "references": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["file", "as"],
                    "properties": {"file": _TEXT, "as": {"enum": ["scene", "palette"]}},
                },
            },
        },
    },
    "Reference": _object(file=_TEXT),
    "Remarks": _object(hints=_WHOLE, remarks={"type": "array", "items": _TEXT}),
    "Swatches": _object(
        swatches={
            "type": "array",
            "items": _object(
                color=_TEXT,
                ab={"type": "array", "items": {"type": "number"}},
                kind={"enum": ["guess", "grey", "present", "used"]},
            ),
        }
    ),
    "Variants": _object(variants={"type": "array", "items": {"$ref": "#/components/schemas/Hints"}}),
    "Zip": {
        "type": "object",
        "required": ["pictures"],
        "description": f"At most {MAX_JSON} bytes. Beside `pictures` stand options of all; a picture's own win.",
        "additionalProperties": False,
        "properties": {
            "pictures": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["id"],
                    "additionalProperties": False,
                    "properties": {"id": _TEXT}
                    | {item.name: _nullable for item in query.RESULT for _nullable in [_schema(item)]},
                },
            },
        },
    },
}
