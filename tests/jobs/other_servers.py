"""Servers on loopback that are no S3 stores: SFTP, Google's and Azure's stores, each by somebody else's code."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from remote_servers import free_port

USER, PASSWORD = "ada", "correct-horse-battery"
AZURITE = "azurite-blob"
"""What Azure's own emulator is called where it is installed: npm install -g azurite."""
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Of the emulator's account, which is the same everywhere."""

_STARTS_WITHIN = 60


@dataclass(frozen=True)
class Place:
    """A folder at a server.

    Attributes
    ----------
    url
        Its address.
    shown
        The same as messages show it.
    environment
        What the environment says to those who use it.
    secret
        What no message may hold.
    """

    url: str
    shown: str
    environment: dict[str, str]
    secret: str


SFTP_SERVER = """
import asyncio, os, sys
import asyncssh

port, key, folder, user, password = sys.argv[1:]

class Server(asyncssh.SSHServer):
    def password_auth_supported(self):
        return True

    def validate_password(self, *given):
        return given == (user, password)

async def serve():
    def in_folder(channel):
        return asyncssh.SFTPServer(channel, chroot=os.fsencode(folder))

    server = await asyncssh.listen(
        "127.0.0.1", int(port), server_host_keys=[key], server_factory=Server, sftp_factory=in_folder
    )
    await server.wait_closed()

asyncio.run(serve())
"""


@contextlib.contextmanager
def sftp_server(folder: Path, home: Path) -> Iterator[Place]:
    """A folder by SFTP, for a user with a password whose `home` knows the server's key."""
    import asyncssh

    port = free_port()
    key = asyncssh.generate_private_key("ssh-ed25519")
    (home / ".ssh").mkdir(parents=True)
    (home / "key").write_bytes(key.export_private_key())
    public = key.export_public_key().decode().strip()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}\n")
    (folder / "archive").mkdir()
    where = f"127.0.0.1:{port}/archive"
    command = [sys.executable, "-c", SFTP_SERVER, str(port), str(home / "key"), str(folder), USER, PASSWORD]
    with _running(command, port):
        yield Place(f"sftp://{USER}:{PASSWORD}@{where}", f"sftp://{where}", {"HOME": str(home)}, PASSWORD)


@contextlib.contextmanager
def google_server() -> Iterator[Place]:
    """A bucket in an emulator of Google's store."""
    port = free_port()
    code = (
        "from gcp_storage_emulator.server import create_server\n"
        f"create_server('127.0.0.1', {port}, in_memory=True, default_bucket='archive').run()\n"
    )
    environment = {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}"}
    with _running([sys.executable, "-c", code], port):
        yield Place("gs://archive", "gs://archive", environment, "")


@contextlib.contextmanager
def azure_server(folder: Path) -> Iterator[Place]:
    """A container in Azure's own emulator."""
    from azure.storage.blob import BlobServiceClient

    port = free_port()
    command = [str(shutil.which(AZURITE)), "--silent", "--skipApiVersionCheck", "--blobHost", "127.0.0.1"]
    command += ["--blobPort", str(port), "--location", str(folder)]
    connection = (
        f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={AZURE_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
    )
    with _running(command, port):
        with BlobServiceClient.from_connection_string(connection) as service:
            service.create_container("archive").close()
        yield Place("az://archive", "az://archive", {"AZURE_STORAGE_CONNECTION_STRING": connection}, AZURE_KEY)


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield
    finally:
        server.kill()
        server.wait()
