# What cannot be written is an error, not a success; a reader that has gone away is none worth a message.
try bash -c 'hma version >/dev/full'
try bash -c 'hma help --completion >/dev/full'
try bash -c 'hma version >&-'
try bash -c 'hma version <&- >out'
try bash -c 'hma version 2>&- >out'
{
    sleep 0.3 # until the reader is gone
    hma version || echo "exit $?" >code
} | true
cat code
