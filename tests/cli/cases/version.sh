# The version, and JSON with the same facts.
hma version >text
hma --version | cmp - text
cat text
hma version --json
