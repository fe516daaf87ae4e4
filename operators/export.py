"""The operator that runs one export: one task instance, one export."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from include.compressions import COMPRESSIONS
from include.core.errors import Fatal, InvalidRequest, NotFound, Retriable, WaybillError
from include.core.expiry import lifetime
from include.core.export import Attempt, ExportRun
from include.core.fairness import time_limit_of
from include.core.identity import Trigger, export_id_of
from include.core.progress import Progress
from include.core.request import ExportRequest, parse_request, utc_now
from include.core.resolve import resolve
from include.exporters import catalog_of
from include.formats import FORMATS
from operators.settings import airflow_settings
from operators.telling import State, Teller, peak_memory_mb

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from airflow.sdk import Context

    from include.core.manifest import Manifest


_RETRIES: Mapping[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=5),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=5),
}
"""Unless a DAG says otherwise; what cannot work however often it is tried is not tried again."""


class ExportOperator(BaseOperator):
    """Extract, encode, store, verify and publish one export.

    With ``exporter`` or ``sources`` it exports what its arguments say, templates rendered. Without, the run's
    ``params`` are the request: what the API or Airflow's form put into the run's conf.

    :param exporter: name of an exporter
    :param sources: several exporters instead, each ``{"exporter", "params", "columns", …, "name"}``
    :param arguments: the exporter's parameters (``params`` is Airflow's own word)
    :param sheets: of an exporter with several tables those that are wanted
    :param format: name of a format; csv when left out
    :param columns: names, or ``{"name": …, "as": …}``, in the wanted order
    :param where: conditions ``{"column", "op", "value"}``, ANDed
    :param order_by: columns, with a leading ``-`` for descending
    :param limit: at most so many rows
    :param options: options of the format
    :param filename: template of the file's name, with ``{date}``, ``{time}``, ``{exporter}``, ``{id}``
    :param compression: ``gzip``, ``zstd`` or ``zip``
    :param split: ``{"rows": …}``, ``{"bytes": …}`` or ``{"by": column}``, for several files instead of one
    :param verify: ``counts``, or ``full`` to have the file read back from the store
    :param expires_in: how long the file is kept, such as ``P7D``
    :param notify: who is told when it ends, each ``{"webhook": …}`` or ``{"email": …}``
    :param export_name: what people call the export
    :return: the published manifest's ``result``, as XCom
    """

    template_fields: Collection[str] = (
        "exporter",
        "sources",
        "arguments",
        "sheets",
        "format",
        "columns",
        "where",
        "order_by",
        "limit",
        "options",
        "filename",
        "compression",
        "split",
        "verify",
        "expires_in",
        "notify",
        "export_name",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "sources": "json",
        "arguments": "json",
        "columns": "json",
        "where": "json",
        "options": "json",
        "split": "json",
        "notify": "json",
    }
    ui_color = "#e8f3ec"

    def __init__(
        self,
        *,
        exporter: str | None = None,
        sources: Sequence[Mapping[str, Any]] | None = None,
        arguments: Mapping[str, Any] | None = None,
        sheets: Sequence[str] | None = None,
        format: str | None = None,  # noqa: A002 - the API's word
        columns: Sequence[str | Mapping[str, str]] | None = None,
        where: Sequence[Mapping[str, Any]] | None = None,
        order_by: Sequence[str] | None = None,
        limit: int | str | None = None,
        options: Mapping[str, Any] | None = None,
        filename: str | None = None,
        compression: str | None = None,
        split: Mapping[str, Any] | None = None,
        verify: str | None = None,
        expires_in: str | None = None,
        notify: Sequence[Mapping[str, str]] | None = None,
        export_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**_RETRIES, **kwargs})
        if exporter is None and sources is None:
            self.template_fields = ()  # there is nothing to render, and Airflow would send it to its API
        self.exporter = exporter
        self.sources = sources
        self.arguments = arguments
        self.sheets = sheets
        self.format = format
        self.columns = columns
        self.where = where
        self.order_by = order_by
        self.limit = limit
        self.options = options
        self.filename = filename
        self.compression = compression
        self.split = split
        self.verify = verify
        self.expires_in = expires_in
        self.notify = notify
        self.export_name = export_name

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the export.

        :raises AirflowFailException: when trying again changes nothing.
        :raises AirflowException: when it may help.
        """
        from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTerminated

        state = State(context["task_state_store"], self.log.warning)
        if context["ti"].try_number > 1:
            state.begin()
        try:
            return self._run(context, state).result()
        except AirflowTaskTerminated:
            state.release(context["ti"].try_number)
            raise
        except WaybillError as error:
            state.fail(error)
            kind = AirflowException if isinstance(error, Retriable) else AirflowFailException
            raise kind(f"{error.error_code}: {error.message}") from error
        except Exception as error:
            kind_name = type(error).__name__
            state.fail(
                Fatal(
                    f"The export failed unexpectedly ({kind_name}); the task's log says more.",
                    code="internal_error",
                )
            )
            raise

    def on_kill(self) -> None:
        """Leave ``execute``: Airflow would wait for it, and its clean-up runs on the way out.

        :raises AirflowTaskTerminated: always.
        """
        from airflow.sdk.exceptions import AirflowTaskTerminated

        raise AirflowTaskTerminated("The run was stopped.")

    def _run(self, context: Context, state: State) -> Manifest:
        from operators.connections import open_signer, source_opener
        from operators.stores import open_store

        settings = airflow_settings()
        attempt = self._attempt(context)
        self.log.info("Export %s, attempt %s", attempt.export_id, attempt.attempt)
        try:
            request = self._request(context)
            resolved = resolve(request, catalog_of(settings), FORMATS, COMPRESSIONS)
            keep = lifetime(resolved, settings)
        except (InvalidRequest, NotFound) as error:
            details = "; ".join(f"{item.pointer}: {item.detail}" for item in error.errors) or error.message
            raise Fatal(details, code=error.error_code) from error
        signer = open_signer(settings)
        if attempt.trigger is not Trigger.API:  # the API knows its own
            state.accept(resolved)
        run = ExportRun(
            resolved,
            attempt,
            open_source=source_opener(settings, application=f"waybill {attempt.export_id}"),
            store=open_store(settings),
            progress=Progress(tell=Teller(state, self.log.info)),
            now=utc_now,
            keep=keep,
            signer=signer,
        )
        with self._time_limit(time_limit_of(resolved.readings, settings.time_limit_seconds)):
            manifest = run.execute()
        if manifest.attempt_id != attempt.attempt_id:
            self.log.warning(
                "Attempt %s has published this export, and its file is kept. For a new file, run the export again.",
                manifest.attempt,
            )
            return manifest
        self.log.info(
            "Published: %s rows, verdict %s, peak memory %d MB, files %s",
            manifest.rows,
            manifest.verification.verdict,
            peak_memory_mb(),
            ", ".join(f"{file.name} ({file.bytes} bytes, sha256 {file.sha256})" for file in manifest.files),
        )
        return manifest

    @contextmanager
    def _time_limit(self, seconds: float) -> Iterator[None]:
        """End what takes too long, unless the DAG has a limit of its own, which Airflow sees to.

        :raises Fatal: when it was ended.
        """
        from airflow.sdk.exceptions import AirflowTaskTimeout
        from airflow.sdk.execution_time.timeout import timeout

        if self.execution_timeout is not None:
            yield
            return
        try:
            with timeout(seconds):  # type: ignore[no-untyped-call]
                yield
        except AirflowTaskTimeout as error:
            raise Fatal(
                f"The export took longer than its {seconds:g} s and was ended. Ask for less, or raise the exporter's "
                "time_limit or [waybill] time_limit_seconds.",
                code="time_limit",
            ) from error

    def _request(self, context: Context) -> ExportRequest:
        if self.exporter is None and self.sources is None:
            form = {key: _of_form(value) for key, value in context["params"].items()}
            if form.get("sources") and "exporter" not in (context["dag_run"].conf or {}):
                del form["exporter"]  # nobody asked for it: it is the form's example
            return parse_request({key: value for key, value in form.items() if value not in (None, "", [], {})})
        given = {
            "exporter": self.exporter,
            "sources": self.sources,
            "params": self.arguments,
            "sheets": self.sheets,
            "format": self.format,
            "columns": self.columns,
            "where": self.where,
            "order_by": self.order_by,
            "limit": self.limit,
            "options": self.options,
            "filename": self.filename,
            "compression": self.compression,
            "split": self.split,
            "verify": self.verify,
            "expires_in": self.expires_in,
            "notify": self.notify,
            "name": self.export_name,
        }
        return parse_request({key: value for key, value in given.items() if value is not None})

    def _attempt(self, context: Context) -> Attempt:
        ti, run = context["ti"], context["dag_run"]
        run_type = str(getattr(run.run_type, "value", run.run_type))
        map_index = -1 if ti.map_index is None else ti.map_index
        return Attempt(
            export_id=export_id_of(dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id, map_index=map_index),
            attempt_id=str(ti.id),
            attempt=ti.try_number,
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            requested_by=run.triggering_user_name or self.owner,
            trigger=Trigger.of_run(run_type=run_type, run_id=ti.run_id),
        )


def _of_form(value: Any) -> Any:
    """Return a field without the blank lines that a person leaves in the form's lists."""
    return [item for item in value if item != ""] if isinstance(value, list) else value
