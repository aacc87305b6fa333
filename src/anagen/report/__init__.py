"""How it is shown: pictures, the injection sheet and the report."""

from anagen.report.html import write_report
from anagen.report.pictures import save_pictures

__all__ = ["save_pictures", "write_report"]
