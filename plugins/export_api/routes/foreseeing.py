"""What routes share that tell of an export before it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Query, Request

from export_api.foresight import Foresight
from export_api.responses import WaybillJSON
from export_api.routes.parts import Responses, answers
from export_api.schemas.exports import ExportBody
from export_api.schemas.foreseeing import ForecastBody, SourceForecast

if TYPE_CHECKING:
    from export_api.foresight import Foreseen


def _foresight(request: Request) -> Foresight:
    foresight: Foresight = request.app.state.foresight
    return foresight


ForesightDep = Annotated[Foresight, Depends(_foresight)]

ValidateOnly = Annotated[
    bool, Query(description="Start nothing: say what the request would do, and answer errors as if it were started.")
]


def foreseen_or_done(headers: dict[str, Any]) -> Responses:
    """Document the two answers that start nothing, or have nothing left to wait for.

    :param headers: of an answer that an export has been started
    """
    described = "With `validate_only=true`: what the request would do. Else: done already, as you preferred to wait"
    return answers(200, "forecast", described, headers=headers, model=ForecastBody | ExportBody)


def forecast_answer(foreseen: Foreseen) -> WaybillJSON:
    """Return what is foreseen as an answer."""
    expected = foreseen.expected
    body = ForecastBody(
        request=foreseen.request,
        files=list(expected.files),
        rows_estimated=expected.rows,
        bytes_estimated=foreseen.bytes,
        sources=[
            SourceForecast(exporter=exporter, sheet=sheet, rows_estimated=rows)
            for (exporter, sheet), rows in zip(foreseen.tables, expected.readings, strict=True)
        ],
        warnings=list(expected.warnings),
    )
    return WaybillJSON(body.model_dump(mode="json"))
