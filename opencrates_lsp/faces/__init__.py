"""What the faces share: how they count lines, name files, and tell of a change. Nothing below them needs it."""
