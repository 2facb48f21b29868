"""Stored runs as the pages read them: records, settings, results, findings, and the charts they share."""
