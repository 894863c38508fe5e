"""An S3 for tests, an emulator in an environment of its own, which has the bucket `results` and asks for no key."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.conftest import free_port


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    port = free_port()
    command = ["uv", "run", "--isolated", "--no-project", "--quiet", "--with", "moto[s3,server]==5.2.5"]
    log = (tmp_path_factory.mktemp("moto") / "log").open("wb")
    process = subprocess.Popen([*command, "moto_server", "-p", str(port)], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 120
    while True:
        try:
            httpx2.put(f"{url}/results", timeout=5)
            break
        except httpx2.TransportError:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.2)
    yield url
    process.terminate()
    process.wait(20)
    log.close()


@contextlib.contextmanager
def asking_for_keys(url: str) -> Iterator[tuple[str, str]]:
    """Meanwhile the emulator looks at signatures; gives a key id and a secret that may read everything."""

    user = f"reader{time.monotonic_ns()}"

    def iam(action: str, **more: str) -> str:
        data = {"Action": action, "Version": "2010-05-08", "UserName": user, **more}
        answer = httpx2.post(url, data=data, headers=_unsigned("iam"))
        assert answer.status_code == 200, answer.text
        return answer.text

    iam("CreateUser")
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    )
    iam("PutUserPolicy", PolicyName="all", PolicyDocument=policy)
    made = iam("CreateAccessKey")
    key, secret = (
        re.findall(f"<{tag}>([^<]*)</{tag}>", made)[0] for tag in ("AccessKeyId", "SecretAccessKey")
    )
    httpx2.post(f"{url}/moto-api/reset-auth", content=b"0").raise_for_status()
    try:
        yield key, secret
    finally:
        httpx2.post(f"{url}/moto-api/reset-auth", content=b"inf").raise_for_status()


def put(url: str, path: str, content: bytes = b"", acl: str = "private") -> None:
    """A bucket, or an object of one, while nobody asks for keys."""
    headers = {**_unsigned("s3"), "x-amz-acl": acl}
    httpx2.put(f"{url}/{path}", content=content, headers=headers).raise_for_status()


def _unsigned(service: str) -> dict[str, str]:
    """What names the service is the scope of a signature, which nobody looks at."""
    scope = f"Credential=x/20260101/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=x"}
