"""Look at a dataset without starting anything: a contact sheet, and a page that holds it all."""

from .page import write_report
from .sheet import Row, contact_sheet, write_sheet

__all__ = ["Row", "contact_sheet", "write_report", "write_sheet"]
