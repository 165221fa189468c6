"""Files that a person names, in the configuration or in a command: read safely, with a sentence for each mistake."""
