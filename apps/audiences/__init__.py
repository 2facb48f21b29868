"""The page Audiences and its results: look-alikes, campaigns, and why a rival wins."""
