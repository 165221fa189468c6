"""What every section of a configuration file shares: types of values, reading TOML, and mistakes told with their line.

What a section says of its subject stands in that subject's `definition` module, the whole file in `config.settings`.
"""
