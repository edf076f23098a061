"""The routes of the page and the API: each reads its request, has the work done, and answers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from colorizer import __version__
from colorizer.settings import Settings
from colorizer.web import query
from colorizer.web.coloring import (
    Preview,
    Result,
    Source,
    color_file,
    prepare,
)
from colorizer.web.downloads import Downloads
from colorizer.web.folder import PrivateFolder
from colorizer.web.limits import Limits
from colorizer.web.looking import Looking
from colorizer.web.names import attachment, clean_name
from colorizer.web.networks import Networks
from colorizer.web.openapi import description
from colorizer.web.pages import page_file
from colorizer.web.pictures import FINAL_STATES, PictureStore, StoredPicture
from colorizer.web.references import Sent, Told, read_told
from colorizer.web.responses import TemporaryFileResponse, result_of, while_connected
from colorizer.web.tiles import Canvases
from colorizer.web.uploads import receive_json, receive_upload
from colorizer.web.work_queue import QueuedJob, WorkQueue
from colorizer.web.zipping import RequestedPicture, read_request, stream_zip

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
        canvases = Canvases(folder)
        self.store = PictureStore(self.coloring_queue, folder, limits, canvases.drop)
        self.looking = Looking(networks, self.store, canvases, limits)

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
            Route(f"{picture}/before", self.looking.before, methods=["GET"]),
            Route(f"{picture}/after", self.looking.after, methods=["GET", "POST"]),
            Route(f"{picture}/hints", self.looking.hints, methods=["GET", "PUT", "DELETE"]),
            Route(f"{picture}/references", self.references, methods=["POST"]),
            Route(f"{picture}/swatches", self.looking.swatches, methods=["GET"]),
            Route(f"{picture}/variants", self.looking.variants, methods=["GET"]),
            Route(f"{picture}/before/tile", self.looking.tile_before, methods=["GET"]),
            Route(f"{picture}/after/tile", self.looking.tile_after, methods=["GET"]),
            Route(f"{picture}/result", self.result, methods=["GET"]),
            Route(f"{picture}/model", self.recolor, methods=["POST"]),
            Route("/api/zip", self.zip, methods=["POST"]),
        ]

    async def health(self, request: Request) -> Response:
        """Whether it runs, and how busy it is."""
        query.of_request(request, ())
        queue, limits = self.coloring_queue, self.limits
        most = {"bytes": limits.max_upload, "pixels": limits.max_pixels, "pictures": limits.max_pictures}
        state = {"status": "ok", "version": __version__, "waiting": queue.waiting, "capacity": queue.capacity}
        return JSONResponse(state | {"limits": most})

    async def models(self, request: Request) -> Response:
        """The networks that may be named."""
        query.of_request(request, ())
        known = await run_in_threadpool(self.networks.models)
        default = self.networks.default.model.name
        models = [item.describe() | {"download": self._download(item.name)} for item in known]
        return JSONResponse({"default": default, "models": models})

    async def download(self, request: Request) -> Response:
        """Have a network downloaded; for whoever sits at this machine."""
        query.of_request(request, ())
        client = request.client.host if request.client else None
        progress = await run_in_threadpool(self.downloads.start, request.path_params["name"], client)
        return JSONResponse(progress.describe(), 202)

    def _download(self, name: str) -> dict[str, Any] | None:
        progress = self.downloads.progress(name)
        return None if progress is None else progress.describe()

    async def openapi(self, request: Request) -> Response:
        """The interface, as OpenAPI describes it."""
        query.of_request(request, ())
        return JSONResponse(description(self.limits))

    async def colorize(self, request: Request) -> Response:
        """Colour the picture in the body."""
        values = query.of_request(request, query.COLORIZE)
        self.coloring_queue.check_room()
        model = await run_in_threadpool(self.networks.check, values["model"])
        settings, output = query.settings_of(values, model), query.output_of(values)
        told = read_told(values["hints"]) if values["hints"] else None
        source = await self._receive(request, values["name"])
        job = self._submit(source, settings, output, told, last=True)
        return self._send_file(await self._outcome(request, job))

    async def add(self, request: Request) -> Response:
        """Take in a picture for the page, and have it coloured."""
        values = query.of_request(request, query.ADD)
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
        values = query.of_request(request, query.WATCH)
        picture = self.store.find(request.path_params["id"])
        known = values["state"] or picture.state
        if values["wait"] and (values["state"] or known not in FINAL_STATES):
            await while_connected(request, picture.wait_for_change(known, values["wait"]))
        return JSONResponse(self.store.describe(picture))

    async def delete(self, request: Request) -> Response:
        """Delete a picture of the page."""
        query.of_request(request, ())
        self.store.remove(self.store.find(request.path_params["id"]))
        return Response(status_code=204)

    async def recolor(self, request: Request) -> Response:
        """Colour a picture again, by another model or with another number of looks."""
        values = query.of_request(request, query.RECOLOR)
        picture = self.store.find(request.path_params["id"])
        model = await run_in_threadpool(self.networks.check, values["model"])
        fast = values["fast"]
        self.store.recolor(picture, model, self._preparation(picture.source, model, fast=fast), fast=fast)
        return self._accepted(picture)

    async def result(self, request: Request) -> Response:
        """A picture's coloured file, as the command writes it."""
        values = query.of_request(request, query.RESULT)
        picture, _ = self.store.preview(request.path_params["id"])
        settings, output = _settings_of(picture, values), query.output_of(values)
        result = await self._outcome(request, self._submit(picture.source, settings, output, picture.told))
        picture.passes += result.passes
        return self._send_file(result)

    async def references(self, request: Request) -> Response:
        """Take in a picture in colour, which a picture's hints may name."""
        values = query.of_request(request, (query.NAME,))
        picture = self.store.find(request.path_params["id"])
        upload = await receive_upload(request, self.folder, self.limits)
        sent = Sent(clean_name(values["name"] or upload.name), upload.path, upload.size)
        try:
            await self.looking.check(request, sent)
            self.store.send(picture, sent)
        except BaseException:
            self.folder.discard(sent.path)
            raise
        return JSONResponse({"file": sent.name}, 201)

    async def zip(self, request: Request) -> Response:
        """Many pictures' coloured files in one."""
        query.of_request(request, ())
        wanted = read_request(await receive_json(request, self.limits))
        chosen = [(self.store.preview(item.id)[0], item) for item in wanted]

        async def color(picture: StoredPicture, item: RequestedPicture) -> Result:
            settings = _settings_of(picture, item.values)
            output = query.output_of(item.values)
            job = self._submit(picture.source, settings, output, picture.told, even_if_full=True)
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
        given = name or upload.name
        return Source(upload.path, clean_name(given), named=bool(given))

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
        told: Told | None = None,
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
                None if told is None else told.whole(self.limits.max_pixels),
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
            self.looking.close()


def _settings_of(picture: StoredPicture, values: Mapping[str, Any]) -> Settings:
    """Settings for a result of a picture: as a query asks for them, and looked at as the picture was."""
    return replace(query.settings_of(values, picture.model), fast=picture.fast)
