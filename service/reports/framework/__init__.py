"""Parts of a report: columns, filters, page, chart, and the table that is shown, printed and exported."""
