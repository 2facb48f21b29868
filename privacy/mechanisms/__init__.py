"""The mechanisms: everything in Tradefair that draws privacy noise.

Whoever adds noise decides that something may leave, so these modules are imported by the release gate, by
`privacy.blind` (noise for counts that a protocol makes in the dark) and by the federation's strategy and node app only;
an import contract in `pyproject.toml` holds everybody else away.
"""
