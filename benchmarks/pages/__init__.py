"""Results as pages for people: report.html and report.md."""
