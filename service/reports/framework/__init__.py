"""What a report is made of: columns, filters, the table that is shown, printed and exported, charts."""
