"""HTTP for credentials."""

from __future__ import annotations

from litestar import Router, delete, get, patch, post
from litestar.di import Provide
from litestar.response.base import ASGIResponse

from penstock.connectors import service, store
from penstock.connectors.access import authorize
from penstock.connectors.kinds import KINDS
from penstock.connectors.schemas import CheckOut, CredentialCreate, CredentialOut, CredentialPatch, KindOut
from penstock.identity import Caller, Conn, answer_list, body, parameters, principal, resource_id, transaction
from penstock.kit import http
from penstock.kit.http import AnyRequest

_ALL = "/api/credentials"
_ONE = f"{_ALL}/{{credential:str}}"


@get(_ALL)
async def list_credentials(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request, "page", "page_size")
    grant = authorize(principal, "credential.read")
    return await answer_list(request, lambda page: store.listed(conn, grant, page), CredentialOut.of)


@get(f"{_ALL}/kinds")
async def list_kinds(request: AnyRequest, principal: Caller) -> ASGIResponse:
    parameters(request)
    authorize(principal, "credential.read")
    return http.json([KindOut.of(kind) for kind in KINDS])


@post(_ALL)
async def create_credential(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant = authorize(principal, "credential.create")
    wanted = await body(request, CredentialCreate)
    made = await service.create_credential(conn, grant, http.context(request).keys.encryption, wanted)
    return http.json(CredentialOut.of(made), 201)


@get(_ONE)
async def read_credential(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant = authorize(principal, "credential.read")
    return http.json(CredentialOut.of(await service.find_credential(conn, grant, _id(request))))


@patch(_ONE)
async def update_credential(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant = authorize(principal, "credential.alter")
    credential = await service.find_credential(conn, grant, _id(request), lock=True)
    wanted = await body(request, CredentialPatch)
    ring = http.context(request).keys.encryption
    return http.json(CredentialOut.of(await service.update_credential(conn, grant, ring, credential, wanted)))


@delete(_ONE, status_code=200)
async def delete_credential(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant = authorize(principal, "credential.delete")
    credential = await service.find_credential(conn, grant, _id(request), lock=True)
    await service.delete_credential(conn, grant, credential)
    return http.empty()


@post(f"{_ONE}/check", status_code=200)
async def check_credential(request: AnyRequest, principal: Caller) -> ASGIResponse:
    parameters(request)
    grant = authorize(principal, "credential.check")
    return http.json(CheckOut.of(await service.check(http.context(request), grant, _id(request))))


def _id(request: AnyRequest) -> int:
    found = resource_id(http.segment(request, "credential"))
    return -1 if found is None else found


ROUTES = (
    Router(
        path="/",
        route_handlers=[
            list_credentials,
            list_kinds,
            create_credential,
            read_credential,
            update_credential,
            delete_credential,
            check_credential,
        ],
        dependencies={"principal": Provide(principal), "conn": Provide(transaction)},
    ),
)
