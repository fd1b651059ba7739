"""Lists as the REST dialect of Camunda 7 filters, sorts and counts them."""
