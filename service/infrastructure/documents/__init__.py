"""Documents: laid out as PDF in processes of their own, merged and signed."""
