"""Reports: read from the history, printed as PDF, written as a workbook."""
