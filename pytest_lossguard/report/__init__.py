"""What people read: the failure message, the JSON report, the summary line."""
