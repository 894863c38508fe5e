"""Links in letters: invitations, other passwords, addresses that are confirmed. They need no key but the link."""

from __future__ import annotations

from typing import Any, Final

from penstock.identity import schemas
from penstock.identity.operations.common import PUBLIC, TEXT
from penstock.kit.openapi import Body, Operation, Reply, described, nullable, path, ref

_TAG: Final = "Signing in"
_TOKEN: Final = path("token", "The end of a link, which was sent or given to somebody.", "eyJwd…")
_OPENED: Final = Reply(
    status=200,
    description="Whom it lets in; a page with a form for browsers.",
    schema=described(
        {
            "purpose": {"enum": ["invite", "reset", "verify"]},
            "username": TEXT,
            "name": TEXT,
            "email": nullable(TEXT),
            "org": TEXT,
        }
    ),
)
_PASSWORD: Final = Body(
    schema=schemas.PasswordSet,
    description="JSON, or a form as browsers send it.",
    examples={"a password": {"password": "correct horse battery staple"}},
)


def _pair(purpose: str, show: str, use: str, what: str, does: str) -> tuple[Operation, ...]:
    common: dict[str, Any] = {
        "path": f"/{purpose}/{{token}}",
        "tag": _TAG,
        "access": PUBLIC,
        "parameters": (_TOKEN,),
    }
    signed = Reply(status=200, description="Signed in: a pair of tokens.", schema=ref("TokenPair"))
    return (
        Operation(id=show, method="get", summary=f"See {what}", replies=(_OPENED,), **common),
        Operation(id=use, method="post", summary=does, body=_PASSWORD, replies=(signed,), **common),
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    *_pair(
        "invite",
        "showInvitation",
        "acceptInvitation",
        "an invitation",
        "Accept an invitation with a password",
    ),
    *_pair(
        "reset", "showReset", "resetPassword", "whose password a link sets", "Set another password by a link"
    ),
    Operation(
        id="verifyAddress",
        method="get",
        path="/verify/{token}",
        summary="Confirm an e-mail address",
        tag=_TAG,
        access=PUBLIC,
        parameters=(_TOKEN,),
        replies=(_OPENED,),
    ),
    Operation(
        id="showForgot",
        method="get",
        path="/forgot",
        summary="Whether forgotten passwords are helped by mail",
        tag=_TAG,
        access=PUBLIC,
        replies=(
            Reply(
                status=200,
                description="A page with a form for browsers.",
                schema=described({"sends_mail": {"type": "boolean"}}),
            ),
        ),
    ),
    Operation(
        id="forgotPassword",
        method="post",
        path="/forgot",
        summary="Have a link to set another password sent",
        description="The answer is the same whether or not somebody has this address.",
        tag=_TAG,
        access=PUBLIC,
        body=Body(
            schema=schemas.Forgot,
            description="JSON, or a form as browsers send it.",
            examples={"an address": {"email": "ada@example.com"}},
        ),
        replies=(Reply(status=200, description="Perhaps sent.", schema=described({"message": TEXT})),),
        errors=(429,),
    ),
)
