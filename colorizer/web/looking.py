"""Looking at pictures of the page: small, in pieces at full size, and while somebody says their colours.

What the network said of a picture is kept, and rendered as a query asks; it is asked anew of references, and of hints
where it is fed them. That is done by threads of their own, beside those that colour, so that a picture can be looked at
while others are coloured.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from colorizer.colorizer import Colorizer
from colorizer.guidance.hints import replace_guidance
from colorizer.guidance.session import Session
from colorizer.io.machine import usable_cores
from colorizer.settings import Settings
from colorizer.web import query
from colorizer.web.coloring import Preview, as_jpeg, full_after, full_before, preview_after, preview_before
from colorizer.web.guiding import LateNetwork, Sessions, as_object, for_preview
from colorizer.web.limits import Limits
from colorizer.web.networks import Networks
from colorizer.web.pictures import PictureStore, StoredPicture
from colorizer.web.problems import ProblemError
from colorizer.web.references import Sent, Told, check_reference, read_told
from colorizer.web.responses import result_of, while_connected
from colorizer.web.tiles import Canvas, Canvases, Drawing, Place, cut
from colorizer.web.uploads import receive_json
from colorizer.web.work_queue import WorkQueue

Value = TypeVar("Value")

MAX_WAITING = 256
"""Renderings that may wait; each takes a fraction of a second."""


class Looking:
    """What routes do that show pictures; they raise `ProblemError` and `ColorizerError` as `Service`'s.

    Parameters
    ----------
    networks
        The loaded networks.
    store
        The page's pictures.
    canvases
        Their drawings at full size.
    limits
        How much is taken on.
    """

    def __init__(self, networks: Networks, store: PictureStore, canvases: Canvases, limits: Limits) -> None:
        self._networks = networks
        self._store = store
        self._canvases = canvases
        self._limits = limits
        self._sessions = Sessions()
        self._queue = WorkQueue("previews", min(2, usable_cores()), MAX_WAITING)

    def close(self) -> None:
        """End its threads."""
        self._queue.close()

    async def before(self, request: Request) -> Response:
        """A picture as it came."""
        values = query.of_request(request, query.BEFORE)
        _, preview = self._store.preview(request.path_params["id"])
        return await self._preview(request, lambda _: preview_before(preview, values["side"]))

    async def after(self, request: Request) -> Response:
        """A picture in colour, rendered from what the network said of it; by what is said, or is tried."""
        values = query.of_request(request, query.AFTER)
        picture, preview = self._store.preview(request.path_params["id"])
        told, number = picture.told, values["variant"]
        if request.method == "POST":
            told = await self._read(request, picture, preview)

        def render(_: threading.Event) -> bytes:
            if told or number is not None:
                saying = told.whole(self._limits.max_pixels)
                session, guidance = self._session(picture, preview, values), for_preview(saying.guidance, preview)
                if number is not None:
                    guidance = replace(saying, variant=number).with_variant(session, guidance)
                return as_jpeg(session.preview(guidance, values["side"]))
            return preview_after(preview, values["side"], values["temperature"], self._renderer(values))

        return await self._preview(request, render)

    async def hints(self, request: Request) -> Response:
        """What is said of a picture's colours: told, replaced, or taken back."""
        query.of_request(request, ())
        picture, preview = self._store.preview(request.path_params["id"])
        if request.method == "GET":
            return JSONResponse(as_object(picture.told.saying.guidance, picture.told.references))
        if request.method == "DELETE":
            picture.told = Told()
            return Response(status_code=204)
        told = await self._read(request, picture, preview)

        def remarks(_: threading.Event) -> tuple[str, ...]:
            return self._session(picture, preview, {}).remarks(for_preview(told.saying.guidance, preview))

        found = await self._worked_out(request, remarks)
        picture.told = told
        return JSONResponse({"hints": told.hints, "remarks": list(found)})

    async def check(self, request: Request, sent: Sent) -> None:
        """Refuse a reference that is no picture in colour."""
        await self._worked_out(request, lambda _: check_reference(sent, self._limits.max_pixels))

    async def _read(self, request: Request, picture: StoredPicture, preview: Preview) -> Told:
        """What a request's body says of a picture.

        Raises
        ------
        ProblemError
            The body is not text.
        """
        body = await receive_json(request, self._limits)
        try:
            return read_told(body.decode("utf-8"), preview, picture.sent)
        except UnicodeDecodeError as error:
            raise ProblemError(400, "the body is not UTF-8") from error

    async def swatches(self, request: Request) -> Response:
        """Colours to choose from at a place of a picture."""
        values = query.of_request(request, query.SWATCHES)
        picture, preview = self._store.preview(request.path_params["id"])
        told = picture.told

        def suggest(_: threading.Event) -> list[dict[str, Any]]:
            session = self._session(picture, preview, values)
            said = told.whole(self._limits.max_pixels).guidance
            found = session.suggestions(values["x"], values["y"], for_preview(said, preview))
            return [
                {"color": each.color, "ab": [round(value, 2) for value in each.ab], "kind": each.kind} for each in found
            ]

        return JSONResponse({"swatches": await self._worked_out(request, suggest)})

    async def variants(self, request: Request) -> Response:
        """Proposals for a picture, each as a hints file."""
        values = query.of_request(request, query.VARIANTS)
        picture, preview = self._store.preview(request.path_params["id"])
        told = picture.told

        def propose(_: threading.Event) -> list[dict[str, Any]]:
            session = self._session(picture, preview, values)
            said = for_preview(told.whole(self._limits.max_pixels).guidance, preview)
            found = session.variants(values["count"], said)
            return [as_object(replace_guidance(each, references=()), told.references) for each in found]

        return JSONResponse({"variants": await self._worked_out(request, propose)})

    async def tile_before(self, request: Request) -> Response:
        """A piece of a picture as it came, at full size."""
        values = query.of_request(request, query.TILE_BEFORE)
        picture, _ = self._store.preview(request.path_params["id"])
        return await self._preview(
            request, lambda cancelled: cut(self._canvas_before(picture, cancelled), _place(values)), "image/png"
        )

    async def tile_after(self, request: Request) -> Response:
        """A piece of a picture in colour, at full size."""
        values = query.of_request(request, query.TILE_AFTER)
        picture, preview = self._store.preview(request.path_params["id"])
        told = picture.told
        chroma = (values[name] for name in ("saturation", "strength", "temperature"))
        look = (preview.predicted, *chroma, told.key())

        def render(cancelled: threading.Event) -> bytes:
            before = self._canvas_before(picture, cancelled)

            def draw() -> Canvas:
                if not told:
                    return full_after(before, preview, values["temperature"], self._renderer(values))
                session = self._session(picture, preview, values, np.asarray(before))
                saying = told.whole(self._limits.max_pixels)
                return np.asarray(session.render(for_preview(saying.guidance, preview)), np.uint8)

            canvas = self._canvases.get(Drawing(picture.id, look), draw, lambda: self._store.has(picture))
            return cut(canvas, _place(values))

        return await self._preview(request, render, "image/png")

    def _canvas_before(self, picture: StoredPicture, cancelled: threading.Event) -> Canvas:
        return self._canvases.get(
            Drawing(picture.id, ()),
            lambda: full_before(picture.source, self._limits.max_pixels, cancelled),
            lambda: self._store.has(picture),
        )

    def _renderer(self, values: Mapping[str, Any]) -> Colorizer:
        """Puts together lightness and chroma as a query asks; no network is run."""
        default = self._networks.default
        chroma = replace(default.settings, saturation=values["saturation"], strength=values["strength"])
        return default.with_settings(chroma)

    def _session(
        self,
        picture: StoredPicture,
        preview: Preview,
        values: Mapping[str, Any],
        pixels: npt.NDArray[np.uint8] | None = None,
    ) -> Session:
        """To try hints on a picture, reduced or at the size of its pixels; in a thread."""
        key = f"{picture.id} {preview.predicted.name} {'reduced' if pixels is None else 'whole'}"
        return self._sessions.of(key, preview, self._network(picture, preview), values, pixels)

    def _network(self, picture: StoredPicture, preview: Preview) -> LateNetwork:
        settings = Settings(model=picture.model, fast=picture.fast)
        return LateNetwork(picture.model, preview.spreading, lambda: self._networks.colorizer(settings))

    async def _preview(
        self, request: Request, render: Callable[[threading.Event], bytes], kind: str = "image/jpeg"
    ) -> Response:
        return Response(await self._worked_out(request, render), media_type=kind)

    async def _worked_out(self, request: Request, render: Callable[[threading.Event], Value]) -> Value:
        """What a thread for previews makes of a picture."""
        job = self._queue.submit(render)
        try:
            found: Value = await while_connected(request, result_of(job), self._limits.patience)
        except FileNotFoundError as error:
            raise ProblemError(404, "the picture has been deleted") from error
        except BaseException:
            job.cancel()
            raise
        return found


def _place(values: Mapping[str, Any]) -> Place:
    return Place(values["level"], values["column"], values["row"])
