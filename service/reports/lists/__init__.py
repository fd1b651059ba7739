"""List pages as reports: what a page lists, its export lists too."""
