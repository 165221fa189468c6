"""Teams: whose cost it is by a virtual tag, why it is theirs, and what has no value yet."""
