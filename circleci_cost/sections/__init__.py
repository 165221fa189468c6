"""What every section of a configuration file shares: types of values, reading TOML, mistakes with their line.

A section is defined in its subject's `definition` module, the whole file in `config.settings`.
"""
