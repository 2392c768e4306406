"""What pytest must not collect: scripts that make fixtures, and what students hand in."""

collect_ignore_glob = ["fixtures/*", "submissions/*", "attacks/*/*"]
