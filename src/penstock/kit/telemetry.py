"""Structured logs with the request id, and OpenTelemetry spans when configured."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, cast

from penstock.kit.logs import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Tracer(Protocol):
    def start_as_current_span(self, name: str, **options: Any) -> AbstractContextManager[Any]: ...


_tracer: _Tracer | None = None
_provider: Any = None


def configure_logs(level: str, form: str) -> None:
    """Send structlog and the standard library's loggers to standard error, as JSON lines or for reading."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace,
    ]
    shown: list[Any] = (
        [
            _printable,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
        if form == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, *shown],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shown],
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        )
    )
    # Libraries speak only when something is wrong.
    logging.basicConfig(level=max(_LEVELS[level], logging.WARNING), handlers=[handler], force=True)


def can_trace() -> bool:
    """Whether the packages of the extra `tracing` are installed."""
    return (
        find_spec("opentelemetry") is not None
        and find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    )


def configure_traces(endpoint: str, version: str) -> None:
    """Send spans to an OTLP/HTTP endpoint; to be called where `can_trace`, in the process that makes the spans."""
    global _tracer, _provider  # noqa: PLW0603  (one of each per process, as OpenTelemetry itself has it)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": "penstock", "service.version": version})
    _provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    _tracer = cast("_Tracer", _provider.get_tracer("penstock"))


def stop_traces() -> None:
    """Send what is still waiting."""
    if _provider is not None:
        _provider.shutdown()


def tracing() -> bool:
    return _tracer is not None


def span(
    name: str, caller: Mapping[str, str] | None = None, **attributes: str | int | float | bool
) -> AbstractContextManager[Any]:
    """A span around a block; nothing when traces are not configured.

    `caller` are headers in which the trace of who called may be (W3C Trace Context); the span is part of it then.
    """
    if _tracer is None:
        return nullcontext()
    context = None
    if caller and "traceparent" in caller:
        from opentelemetry.trace.propagation.tracecontext import (
            TraceContextTextMapPropagator,
        )

        context = TraceContextTextMapPropagator().extract(caller)
    return _tracer.start_as_current_span(name, context=context, attributes=attributes)


def printable(text: str) -> str:
    """The text with control characters and lone surrogates escaped: nobody writes lines of their own into a log."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _printable(_logger: Any, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if isinstance(value, str) and name != "exception":
            event[name] = printable(value)
    return event


def _with_trace(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if _tracer is not None:
        from opentelemetry import trace

        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            event["trace_id"] = f"{context.trace_id:032x}"
    return event
