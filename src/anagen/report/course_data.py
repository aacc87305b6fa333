"""Figures of a simulated course as plain data: for one screen, and by week for charts."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

WEEKS_SHOWN = (0, 4, 8, 12, 24, 36, 52, 78, 104)


def course_data(course: "xr.Dataset") -> dict[str, Any]:
    """Figures of a course that fit on one screen, as plain data.

    Returns
    -------
    dict
        ``weeks`` with SALT and regrowth per patch at the weeks usually looked at, and the extremes
        of what may harm.
    """
    days = [int(day) for day in course["time"].values]
    shown = [index for index, day in enumerate(days) if day / 7 in WEEKS_SHOWN or day == days[-1]]
    patches = [str(name) for name in course["patch"].values]
    rows = [
        {
            "week": days[index] // 7,
            "salt_percent": _figure(course["salt"][index]),
            "patch_regrowth": {
                name: _figure(course["patch_regrowth"][index, number])
                for number, name in enumerate(patches)
            },
        }
        for index in shown
    ]
    return {
        "patient": course.attrs.get("patient", ""),
        "protocol": course.attrs.get("protocol", ""),
        "start_date": course.attrs.get("start_date", ""),
        "parameter_set": course.attrs.get("parameter_set", ""),
        "mode": course.attrs.get("mode", ""),
        "weeks": rows,
        "injected_mg": _figure(course["cumulative_dose"][-1]),
        "lowest_morning_cortisol": _figure(course["cortisol_morning"].min()),
        "thinnest_dermis": _figure(1.0 - course["patch_thinning"].max()),
        "highest_pain": _figure(course["pain"].max()) if course.sizes.get("session") else None,
        "notes": course.attrs.get("notes", ""),
    }


def _figure(value: Any) -> float:
    return float(f"{float(value):.4g}")
