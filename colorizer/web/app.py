"""The routes of the page and the API: each reads its request, has the work done, and answers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from colorizer import __version__
from colorizer.colorizer import Colorizer
from colorizer.guidance.session import Session
from colorizer.io.machine import usable_cores
from colorizer.jobs.guiding import Saying
from colorizer.settings import Settings
from colorizer.web import query
from colorizer.web.coloring import (
    Preview,
    Result,
    Source,
    as_jpeg,
    color_file,
    full_after,
    full_before,
    prepare,
    preview_after,
    preview_before,
)
from colorizer.web.downloads import Downloads
from colorizer.web.folder import PrivateFolder
from colorizer.web.guiding import Sessions, as_object, for_preview, read_hints, session_of
from colorizer.web.limits import Limits
from colorizer.web.names import attachment, clean_name
from colorizer.web.networks import Networks
from colorizer.web.openapi import description
from colorizer.web.pages import page_file
from colorizer.web.pictures import FINAL_STATES, PictureStore, StoredPicture
from colorizer.web.problems import ProblemError
from colorizer.web.responses import TemporaryFileResponse, result_of, while_connected
from colorizer.web.tiles import Canvas, Canvases, Drawing, Place, cut
from colorizer.web.uploads import receive_json, receive_upload
from colorizer.web.work_queue import QueuedJob, WorkQueue
from colorizer.web.zipping import RequestedPicture, read_request, stream_zip

Value = TypeVar("Value")

MAX_WAITING_PREVIEWS = 256
"""Previews that may wait to be rendered; each takes a fraction of a second."""

HOUSEKEEPING_SECONDS = 30


class Service:
    """The application's parts, and what its routes do with them.

    Routes raise `ProblemError` and `ColorizerError`, which `colorizer.web.security` answers.

    Parameters
    ----------
    networks
        The loaded networks.
    folder
        For temporary files.
    limits
        How much is taken on.
    workers
        Pictures coloured at a time.
    """

    def __init__(self, networks: Networks, folder: PrivateFolder, limits: Limits, workers: int) -> None:
        self.networks = networks
        self.downloads = Downloads(networks.weights_dir)
        self.folder = folder
        self.limits = limits
        self.coloring_queue = WorkQueue("coloring", workers, limits.max_waiting)
        self.preview_queue = WorkQueue("previews", min(2, usable_cores()), MAX_WAITING_PREVIEWS)
        self.sessions = Sessions()
        self.canvases = Canvases(folder)
        self.store = PictureStore(self.coloring_queue, folder, limits, self.canvases.drop)

    def application(self) -> Router:
        """The routes, without what guards them and answers their errors."""
        return Router(self.routes(), redirect_slashes=False, lifespan=self._lifespan)

    def routes(self) -> list[Route]:
        """Every address there is."""
        picture = "/api/pictures/{id}"
        return [
            Route("/", page_file, methods=["GET"]),
            Route("/docs", page_file, methods=["GET"]),
            Route("/favicon.ico", page_file, methods=["GET"]),
            Route("/offline.js", page_file, methods=["GET"]),
            Route("/page/{file:path}", page_file, methods=["GET"]),
            Route("/api/health", self.health, methods=["GET"]),
            Route("/api/models", self.models, methods=["GET"]),
            Route("/api/models/{name}/download", self.download, methods=["POST"]),
            Route("/api/openapi.json", self.openapi, methods=["GET"]),
            Route("/api/colorize", self.colorize, methods=["POST"]),
            Route("/api/pictures", self.add, methods=["POST"]),
            Route(picture, self.picture, methods=["GET", "DELETE"]),
            Route(f"{picture}/before", self.before, methods=["GET"]),
            Route(f"{picture}/after", self.after, methods=["GET"]),
            Route(f"{picture}/hints", self.hints, methods=["GET", "PUT", "DELETE"]),
            Route(f"{picture}/swatches", self.swatches, methods=["GET"]),
            Route(f"{picture}/variants", self.variants, methods=["GET"]),
            Route(f"{picture}/before/tile", self.tile_before, methods=["GET"]),
            Route(f"{picture}/after/tile", self.tile_after, methods=["GET"]),
            Route(f"{picture}/result", self.result, methods=["GET"]),
            Route(f"{picture}/model", self.recolor, methods=["POST"]),
            Route("/api/zip", self.zip, methods=["POST"]),
        ]

    async def health(self, request: Request) -> Response:
        """Whether it runs, and how busy it is."""
        _read(request, ())
        queue, limits = self.coloring_queue, self.limits
        most = {"bytes": limits.max_upload, "pixels": limits.max_pixels, "pictures": limits.max_pictures}
        state = {"status": "ok", "version": __version__, "waiting": queue.waiting, "capacity": queue.capacity}
        return JSONResponse(state | {"limits": most})

    async def models(self, request: Request) -> Response:
        """The networks that may be named."""
        _read(request, ())
        known = await run_in_threadpool(self.networks.models)
        default = self.networks.default.model.name
        models = [item.describe() | {"download": self._download(item.name)} for item in known]
        return JSONResponse({"default": default, "models": models})

    async def download(self, request: Request) -> Response:
        """Have a network downloaded; for whoever sits at this machine."""
        _read(request, ())
        client = request.client.host if request.client else None
        progress = await run_in_threadpool(self.downloads.start, request.path_params["name"], client)
        return JSONResponse(progress.describe(), 202)

    def _download(self, name: str) -> dict[str, Any] | None:
        progress = self.downloads.progress(name)
        return None if progress is None else progress.describe()

    async def openapi(self, request: Request) -> Response:
        """The interface, as OpenAPI describes it."""
        _read(request, ())
        return JSONResponse(description(self.limits))

    async def colorize(self, request: Request) -> Response:
        """Colour the picture in the body."""
        values = _read(request, query.COLORIZE)
        self.coloring_queue.check_room()
        model = await run_in_threadpool(self.networks.check, values["model"])
        settings, output = query.settings_of(values, model), query.output_of(values)
        saying = read_hints(values["hints"]) if values["hints"] else None
        source = await self._receive(request, values["name"])
        job = self._submit(source, settings, output, saying, last=True)
        return self._send_file(await self._outcome(request, job))

    async def add(self, request: Request) -> Response:
        """Take in a picture for the page, and have it coloured."""
        values = _read(request, query.ADD)
        self.coloring_queue.check_room()
        model = await run_in_threadpool(self.networks.check, values["model"])
        source = await self._receive(request, values["name"])
        picture = StoredPicture(source, source.path.stat().st_size, model, fast=values["fast"])
        try:
            self.store.add(picture, self._preparation(source, model, fast=picture.fast))
        except BaseException:
            self.folder.discard(source.path)
            raise
        return self._accepted(picture)

    async def picture(self, request: Request) -> Response:
        """A picture of the page: watched or deleted."""
        return await (self.delete if request.method == "DELETE" else self.watch)(request)

    async def watch(self, request: Request) -> Response:
        """How a picture stands, now or when that changes."""
        values = _read(request, query.WATCH)
        picture = self.store.find(request.path_params["id"])
        known = values["state"] or picture.state
        if values["wait"] and (values["state"] or known not in FINAL_STATES):
            await while_connected(request, picture.wait_for_change(known, values["wait"]))
        return JSONResponse(self.store.describe(picture))

    async def delete(self, request: Request) -> Response:
        """Delete a picture of the page."""
        _read(request, ())
        self.store.remove(self.store.find(request.path_params["id"]))
        return Response(status_code=204)

    async def recolor(self, request: Request) -> Response:
        """Colour a picture again, by another model or with another number of looks."""
        values = _read(request, query.RECOLOR)
        picture = self.store.find(request.path_params["id"])
        model = await run_in_threadpool(self.networks.check, values["model"])
        fast = values["fast"]
        self.store.recolor(picture, model, self._preparation(picture.source, model, fast=fast), fast=fast)
        return self._accepted(picture)

    async def before(self, request: Request) -> Response:
        """A picture as it came."""
        values = _read(request, query.BEFORE)
        _, preview = self.store.preview(request.path_params["id"])
        return await self._preview(request, lambda _: preview_before(preview, values["side"]))

    async def after(self, request: Request) -> Response:
        """A picture in colour, rendered from what the network said when it saw it."""
        values = _read(request, query.AFTER)
        picture, preview = self.store.preview(request.path_params["id"])
        saying, number = picture.saying, values["variant"]

        def render(_: threading.Event) -> bytes:
            if saying or number is not None:
                session, guidance = self._session(picture, preview, values), for_preview(saying.guidance, preview)
                if number is not None:
                    guidance = replace(saying, variant=number).with_variant(session, guidance)
                return as_jpeg(session.preview(guidance, values["side"]))
            return preview_after(preview, values["side"], values["temperature"], self._renderer(values))

        return await self._preview(request, render)

    async def hints(self, request: Request) -> Response:
        """What is said of a picture's colours: told, replaced, or taken back.

        Raises
        ------
        ProblemError
            The body is not text.
        """
        _read(request, ())
        picture, preview = self.store.preview(request.path_params["id"])
        if request.method == "GET":
            return JSONResponse(as_object(picture.saying.guidance))
        if request.method == "DELETE":
            picture.saying = Saying()
            return Response(status_code=204)
        body = await receive_json(request, self.limits)
        try:
            saying = read_hints(body.decode("utf-8"), preview)
        except UnicodeDecodeError as error:
            raise ProblemError(400, "the body is not UTF-8") from error

        def remarks(_: threading.Event) -> tuple[str, ...]:
            return self._session(picture, preview, {}).remarks(for_preview(saying.guidance, preview))

        found = await self._worked_out(request, remarks)
        picture.saying = saying
        return JSONResponse({"hints": len(saying.guidance.hints), "remarks": list(found)})

    async def swatches(self, request: Request) -> Response:
        """Colours to choose from at a place of a picture."""
        values = _read(request, query.SWATCHES)
        picture, preview = self.store.preview(request.path_params["id"])
        said = picture.saying.guidance

        def suggest(_: threading.Event) -> list[dict[str, Any]]:
            session = self._session(picture, preview, values)
            found = session.suggestions(values["x"], values["y"], for_preview(said, preview))
            return [
                {"color": each.color, "ab": [round(value, 2) for value in each.ab], "kind": each.kind} for each in found
            ]

        return JSONResponse({"swatches": await self._worked_out(request, suggest)})

    async def variants(self, request: Request) -> Response:
        """Proposals for a picture, each as a hints file."""
        values = _read(request, query.VARIANTS)
        picture, preview = self.store.preview(request.path_params["id"])
        said = picture.saying.guidance

        def propose(_: threading.Event) -> list[dict[str, Any]]:
            session = self._session(picture, preview, values)
            return [as_object(each) for each in session.variants(values["count"], for_preview(said, preview))]

        return JSONResponse({"variants": await self._worked_out(request, propose)})

    async def tile_before(self, request: Request) -> Response:
        """A piece of a picture as it came, at full size."""
        values = _read(request, query.TILE_BEFORE)
        picture, _ = self.store.preview(request.path_params["id"])
        return await self._preview(
            request, lambda cancelled: cut(self._canvas_before(picture, cancelled), _place(values)), "image/png"
        )

    async def tile_after(self, request: Request) -> Response:
        """A piece of a picture in colour, at full size."""
        values = _read(request, query.TILE_AFTER)
        picture, preview = self.store.preview(request.path_params["id"])
        saying = picture.saying
        chroma = (values[name] for name in ("saturation", "strength", "temperature"))
        look = (preview.predicted, *chroma, saying.guidance.digest())

        def render(cancelled: threading.Event) -> bytes:
            before = self._canvas_before(picture, cancelled)

            def draw() -> Canvas:
                if not saying:
                    return full_after(before, preview, values["temperature"], self._renderer(values))
                session = session_of(np.asarray(before), preview, picture.model, values)
                return np.asarray(session.render(for_preview(saying.guidance, preview)), np.uint8)

            canvas = self.canvases.get(Drawing(picture.id, look), draw, lambda: self.store.has(picture))
            return cut(canvas, _place(values))

        return await self._preview(request, render, "image/png")

    def _canvas_before(self, picture: StoredPicture, cancelled: threading.Event) -> Canvas:
        return self.canvases.get(
            Drawing(picture.id, ()),
            lambda: full_before(picture.source, self.limits.max_pixels, cancelled),
            lambda: self.store.has(picture),
        )

    def _renderer(self, values: Mapping[str, Any]) -> Colorizer:
        """Puts together lightness and chroma as a query asks; no network is run."""
        default = self.networks.default
        chroma = replace(default.settings, saturation=values["saturation"], strength=values["strength"])
        return default.with_settings(chroma)

    async def result(self, request: Request) -> Response:
        """A picture's coloured file, as the command writes it."""
        values = _read(request, query.RESULT)
        picture, _ = self.store.preview(request.path_params["id"])
        settings, output = _settings_of(picture, values), query.output_of(values)
        result = await self._outcome(request, self._submit(picture.source, settings, output, picture.saying))
        picture.passes += result.passes
        return self._send_file(result)

    async def zip(self, request: Request) -> Response:
        """Many pictures' coloured files in one."""
        _read(request, ())
        wanted = read_request(await receive_json(request, self.limits))
        chosen = [(self.store.preview(item.id)[0], item) for item in wanted]

        async def color(picture: StoredPicture, item: RequestedPicture) -> Result:
            settings = _settings_of(picture, item.values)
            output = query.output_of(item.values)
            job = self._submit(picture.source, settings, output, picture.saying, even_if_full=True)
            try:
                result = await asyncio.wrap_future(job.future)
            except BaseException:
                self._give_up(job)
                raise
            picture.passes += result.passes
            return result

        headers = {"Content-Disposition": attachment("colorized.zip")}
        stream = stream_zip([(picture, partial(color, picture, item)) for picture, item in chosen], self.folder)
        return StreamingResponse(stream, headers=headers, media_type="application/zip")

    async def _receive(self, request: Request, name: str) -> Source:
        upload = await receive_upload(request, self.folder, self.limits)
        return Source(upload.path, clean_name(name or upload.name))

    def _preparation(self, source: Source, model: str, *, fast: bool) -> Callable[[Any], Preview]:
        def work(cancelled: threading.Event) -> Preview:
            colorizer = self.networks.colorizer(Settings(model=model, fast=fast))
            return prepare(
                source, colorizer, max_pixels=self.limits.max_pixels, folder=self.folder, cancelled=cancelled
            )

        return work

    def _submit(
        self,
        source: Source,
        settings: Settings,
        output: Any,
        saying: Saying | None = None,
        *,
        last: bool = False,
        even_if_full: bool = False,
    ) -> QueuedJob[Result]:
        """Have a file coloured, by what hints say of it; `last` says that it is not needed afterwards."""

        def work(cancelled: threading.Event) -> Result:
            colorizer = self.networks.colorizer(settings)
            return color_file(
                source,
                colorizer,
                output,
                saying,
                max_pixels=self.limits.max_pixels,
                folder=self.folder,
                cancelled=cancelled,
            )

        try:
            job = self.coloring_queue.submit(work, even_if_full=even_if_full)
        except BaseException:
            if last:
                self.folder.discard(source.path)
            raise
        if last:
            job.future.add_done_callback(lambda _: self.folder.discard(source.path))
        return job

    def _give_up(self, job: QueuedJob[Result]) -> None:
        """Give up a result, which may be there or come all the same."""

        def discard(future: Any) -> None:
            if not future.cancelled() and future.exception() is None:
                self.folder.discard(future.result().path)

        job.cancel()
        job.future.add_done_callback(discard)

    async def _outcome(self, request: Request, job: QueuedJob[Result]) -> Result:
        """The result, as long as the client waits and is not kept waiting too long."""
        try:
            result: Result = await while_connected(request, result_of(job), self.limits.patience)
        except BaseException:
            self._give_up(job)
            raise
        return result

    def _session(self, picture: StoredPicture, preview: Preview, values: Mapping[str, Any]) -> Session:
        """To try hints on a picture; in a thread."""
        return self.sessions.of(f"{picture.id} {preview.predicted.name}", preview, picture.model, values)

    async def _preview(
        self, request: Request, render: Callable[[threading.Event], bytes], kind: str = "image/jpeg"
    ) -> Response:
        return Response(await self._worked_out(request, render), media_type=kind)

    async def _worked_out(self, request: Request, render: Callable[[threading.Event], Value]) -> Value:
        """What a thread for previews makes of a picture."""
        job = self.preview_queue.submit(render)
        try:
            found: Value = await while_connected(request, result_of(job), self.limits.patience)
        except FileNotFoundError as error:
            raise ProblemError(404, "the picture has been deleted") from error
        except BaseException:
            job.cancel()
            raise
        return found

    def _accepted(self, picture: StoredPicture) -> Response:
        headers = {"Location": f"/api/pictures/{picture.id}"}
        return JSONResponse(self.store.describe(picture), 202, headers)

    def _send_file(self, result: Result) -> Response:
        headers = {"Content-Disposition": attachment(result.name), "Content-Length": str(result.size)}
        return TemporaryFileResponse(result.path, self.folder, headers=headers, media_type=result.media_type)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Router) -> AsyncIterator[None]:
        async def keep_house() -> None:
            while True:
                await asyncio.sleep(HOUSEKEEPING_SECONDS)
                self.store.remove_idle()
                self.folder.discard()

        task = asyncio.create_task(keep_house())
        try:
            yield
        finally:
            task.cancel()
            self.coloring_queue.close()
            self.preview_queue.close()


def _settings_of(picture: StoredPicture, values: Mapping[str, Any]) -> Settings:
    """Settings for a result of a picture: as a query asks for them, and looked at as the picture was."""
    return replace(query.settings_of(values, picture.model), fast=picture.fast)


def _place(values: Mapping[str, Any]) -> Place:
    return Place(values["level"], values["column"], values["row"])


def _read(request: Request, known: tuple[query.Parameter, ...]) -> dict[str, Any]:
    return query.read_query(request.scope["query_string"], known)
