"""What each noun of ``/api/v1`` asks and answers, a module a noun."""
