# Help goes to stdout, exit 0, and is the same however it is asked for.
hma help >overview
hma --help | cmp - overview
hma -h | cmp - overview
hma help version >version
hma version --help | cmp - version
hma version -h --nonsense | cmp - version
hma help help >/dev/null
cat version

# Every command of the overview has a help that begins with its name, and no line is too long.
sed -n 's/^  \([a-z]*\)  .*/\1/p' overview | while read -r command; do
    hma help "$command" >text
    grep -q "^hma $command: " text || echo "$command: help does not begin with the name"
    grep -q "^Usage: hma $command" text || echo "$command: no usage line"
    awk -v c="$command" 'length > 108 { print c ": line too long: " $0 }' text
done
